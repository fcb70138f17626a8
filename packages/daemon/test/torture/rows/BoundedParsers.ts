/**
 * Somebody who makes the bytes that a program of ours reads: a sender whose messages end up in authenticated objects, a
 * provider, a store, another process of this user. Whatever they are, the parser says so and takes little for it.
 *
 * Verifies: EVT-2, EVT-7
 */
import { Effect, Either } from "effect"
import { pick, randomOf } from "../../faults/Trials.ts"
import { mutate } from "../Fuzzing.ts"
import { makeParsers, type Parser } from "../Parsers.ts"
import type { Row } from "../Row.ts"
import { breathe, ENOUGH_FAILURES, withoutTraces } from "../Sampling.ts"

/** The most of the processor that any input may take, of at most a quarter of a mebibyte, milliseconds. */
const PARSE_MILLIS = 500
/** Memory that may come to be held beyond what is held before, bytes. */
const HELD_BYTES = 768 * 1024 * 1024
const BREATHE_EVERY = 200
const SAY_EVERY = 100_000
/** Errors that our parsers give and throw. */
const ERRORS = new Set(["FormatError", "SlotError", "NameProblem", "RecoveryCodeError", "ParseError"])

export const boundedParsers: Row = {
  name: "bounded-parsers",
  fault: "Bytes made to break whoever reads them",
  how:
    "events, blocks, segments, names, slots, values, lines, mails and requests, changed where lengths, counts and nestings "
    + "are, and bombs: an error of the format or a value and nothing else, in bounded time and memory, and no prototype is "
    + "touched",
  unit: "inputs",
  trials: { test: 5_000, release: 1_000_000 },
  testMillis: 180_000,
  run: ({ say, seed, trials }) =>
    Effect.gen(function*() {
      yield* withoutTraces
      const { bombs, parsers } = yield* makeParsers(seed)
      const failures = [...(yield* soundness(parsers)), ...(yield* defused(bombs)), ...(yield* controls)]
      const random = randomOf(`parsers ${seed}`)
      const held = process.memoryUsage.rss()
      let slowest = 0
      let most = 0
      let refused = 0
      let trial = 0
      for (; trial < trials && failures.length < ENOUGH_FAILURES; trial++) {
        const parser = pick(random, parsers)
        const bytes = mutate(random, pick(random, parser.samples), parser.samples)
        const judged = yield* judge(parser, bytes)
        if (judged.refused) refused++
        slowest = Math.max(slowest, judged.millis)
        if (judged.wrong !== undefined) {
          failures.push(`${parser.name}: ${judged.wrong}: ${shown(bytes)} (trial ${trial} of seed ${seed})`)
        }
        if (trial % BREATHE_EVERY === 0) {
          most = Math.max(most, process.memoryUsage.rss() - held)
          yield* breathe
        }
        if ((trial + 1) % SAY_EVERY === 0) say(`${trial + 1} of ${trials} inputs`)
      }
      if (most > HELD_BYTES) failures.push(`${most} bytes more were held`)
      return {
        trials: trial,
        failures,
        measured: {
          parsers: parsers.length,
          "refused, %": Math.round((refused / trial) * 1_000) / 10,
          "slowest, ms": Math.round(slowest),
          "most held, MiB": Math.round(most / 2 ** 20)
        }
      }
    })
}

interface Judged {
  readonly millis: number
  readonly refused: boolean
  /** What must not be. */
  readonly wrong?: string
}

const judge = Effect.fnUntraced(function*(parser: Parser, bytes: Uint8Array) {
  const first = yield* readOnce(parser, bytes)
  if (first.wrong !== undefined || first.millis < PARSE_MILLIS) return first
  // Others run here too: what is slow is slow again.
  const again = [yield* readOnce(parser, bytes), yield* readOnce(parser, bytes)]
  const millis = Math.min(first.millis, ...again.map((each) => each.millis))
  return millis < PARSE_MILLIS
    ? { ...first, millis }
    : { ...first, millis, wrong: `it took ${Math.round(millis)} ms of the processor` }
})

const readOnce = Effect.fnUntraced(function*(parser: Parser, bytes: Uint8Array) {
  const from = process.cpuUsage()
  const read = yield* Effect.exit(Effect.try({ try: () => parser.read(bytes), catch: (error) => ({ thrown: error }) }))
  let [result, thrown]: [unknown, unknown] = [undefined, undefined]
  if (read._tag === "Success") result = read.value
  else thrown = read.cause._tag === "Fail" ? read.cause.error.thrown : read.cause
  if (isWork(result)) {
    const exit = yield* Effect.exit(result)
    if (exit._tag === "Success") result = exit.value
    else if (exit.cause._tag === "Fail") result = Either.left(exit.cause.error)
    else thrown = exit.cause
  }
  const spent = process.cpuUsage(from)
  const millis = (spent.user + spent.system) / 1_000
  const polluted = Object.keys(Object.prototype).length > 0 || "polluted" in {}
  if (polluted) return { millis, refused: false, wrong: "it touched a prototype" } satisfies Judged
  if (thrown !== undefined) {
    const isOurs = parser.throws === true && isTyped(thrown)
    return { millis, refused: true, ...(isOurs ? {} : { wrong: `it threw ${String(thrown)}` }) } satisfies Judged
  }
  if (!Either.isEither(result) || Either.isRight(result)) return { millis, refused: false } satisfies Judged
  return {
    millis,
    refused: true,
    ...(isTyped(result.left) ? {} : { wrong: `its error is ${String(result.left)}` })
  } satisfies Judged
})

const isWork = (value: unknown): value is Effect.Effect<unknown, unknown> =>
  Effect.isEffect(value) && !Either.isEither(value)

const isTyped = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && ERRORS.has(String(error._tag))

/** What the samples themselves come to: each parser takes at least one of its own, or it would only refuse. */
const soundness = Effect.fnUntraced(function*(parsers: ReadonlyArray<Parser>) {
  const failures: Array<string> = []
  for (const parser of parsers) {
    let taken = 0
    for (const sample of parser.samples) {
      const { refused, wrong } = yield* readOnce(parser, sample)
      if (!refused) taken++
      if (wrong !== undefined) failures.push(`${parser.name}: a good sample: ${wrong}`)
    }
    if (taken === 0 && parser.name !== "recovery code") failures.push(`${parser.name} takes none of its samples`)
  }
  return failures
})

/** Every bomb is refused, as quickly as anything else. */
const defused = Effect.fnUntraced(function*(bombs: Parser) {
  const failures: Array<string> = []
  for (const [at, bomb] of bombs.samples.entries()) {
    const { refused, wrong } = yield* judge(bombs, bomb)
    if (!refused || wrong !== undefined) failures.push(`bomb ${at}: ${wrong ?? "it was taken"}`)
  }
  return failures
})

/** Parsers that do what must not be done; each must be found out. */
const controls = Effect.gen(function*() {
  const bad: ReadonlyArray<Parser> = [
    { name: "throws", samples: [], read: () => JSON.parse("{") },
    { name: "throws in an effect", samples: [], read: () => Effect.dieMessage("out of range") },
    { name: "gives another error", samples: [], read: () => Either.left("out of range") },
    { name: "is slow", samples: [], read: () => burn(PARSE_MILLIS + 50) },
    { name: "touches a prototype", samples: [], read: () => Object.assign(Object.prototype, { polluted: true }) }
  ]
  const failures: Array<string> = []
  for (const parser of bad) {
    const { wrong } = yield* judge(parser, new Uint8Array(0))
    if (wrong === undefined) failures.push(`a parser that ${parser.name} is not found out`)
    Reflect.deleteProperty(Object.prototype, "polluted")
  }
  return failures
})

/** Keeps the processor busy so long. */
const burn = (millis: number): void => {
  const from = process.cpuUsage()
  for (let spent = 0; spent < millis * 1_000;) {
    const { system, user } = process.cpuUsage(from)
    spent = system + user
  }
}

const SHOWN_BYTES = 400

const shown = (bytes: Uint8Array): string =>
  `${Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString("base64")}${
    bytes.length > SHOWN_BYTES ? ` … ${bytes.length} bytes` : ""
  }`
