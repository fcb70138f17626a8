/**
 * A store of chats that costs nothing to read: messages made as they are asked for, the same for the same seed. A few
 * of its conversations have most of the messages, texts have from 1 to 200 words, most of them few; keys are random,
 * as those of chat programs are.
 */
import { makeRandom, type Random } from "@sealog/adapters/testing/MailGenerator"
import { makeTexts } from "@sealog/adapters/testing/Texts"
import type { Batch, Draft, SourceShape } from "@sealog/core/backup/Source"
import { Option, Stream } from "effect"

export interface SyntheticOptions {
  readonly seed: number
  /** How many messages the store has at this moment: it may grow between two passes. */
  readonly count: () => number
}

const CONVERSATIONS = 300
/** Messages handed over at once: as a source does that reads rows of a database. */
const BATCH_MESSAGES = 10_000
const BEGIN = 1_546_300_800_000
const STEP = 60_000

/** Where it has come to, in what it remembers. */
const CURSOR = "at"

export const makeSynthetic = ({ count, seed }: SyntheticOptions): SourceShape => {
  const random = makeRandom(seed)
  const compose = composer(random)
  // The stream of random numbers is the store: a pass goes on where the last one ended.
  const next = (from: number): Batch => {
    const to = Math.min(count(), from + BATCH_MESSAGES)
    const drafts: Array<Draft> = []
    for (let number = from; number < to; number++) drafts.push({ fact: compose(number) })
    return { drafts, cursor: [[CURSOR, String(to)]] }
  }
  return {
    name: "synthetic",
    kind: "synthetic",
    remember: () => {},
    readsAhead: true,
    changes: (state) =>
      Stream.unfold(Number(state.get(CURSOR) ?? 0), (from) => {
        if (from >= count()) return Option.none()
        const batch = next(from)
        return Option.some([batch, from + batch.drafts.length] as const)
      }),
    hints: Stream.never,
    dump: () => Stream.empty,
    gaps: () => []
  }
}

const composer = (random: Random) => {
  const textOf = makeTexts()
  const people = Array.from({ length: 4 * CONVERSATIONS }, () => `+49151${Math.floor(random() * 1e8)}`)
  const conversations = Array.from({ length: CONVERSATIONS }, (_, at) => `chat-${at}`)
  return (number: number): Draft["fact"] => {
    const skew = random()
    const conversation = Math.floor(CONVERSATIONS * skew * skew * skew)
    const text = textOf(random)
    return {
      kind: "message.added",
      conversation: conversations[conversation]!,
      message: {
        key: `3EB0${hex(random)}${hex(random)}`,
        at: BEGIN + number * STEP,
        atQuality: "exact",
        author: people[4 * conversation + Math.floor(random() * 4)]!,
        direction: random() < 0.4 ? "out" : "in",
        type: "text",
        text,
        flags: READ
      }
    }
  }
}

/** Eight digits. */
const hex = (random: Random): string => {
  const value = Math.floor(random() * 2 ** 32)
  return DIGITS[Math.floor(value / 2 ** 16)]! + DIGITS[value % 2 ** 16]!
}
const DIGITS = Array.from({ length: 2 ** 16 }, (_, value) => value.toString(16).padStart(4, "0"))
const READ = ["read"]
