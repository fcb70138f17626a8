/** Equal bytes are kept once a log, wherever the first ones stand. */
import { assert, describe, it } from "@effect/vitest"
import { shareContents } from "@sealog/core/backup/ContentSharing"
import { loadLog, makeEntry } from "@sealog/core/backup/Entries"
import { CONTENT_INDEX_BYTES } from "@sealog/core/format/Limits"
import type { Content, Fact } from "@sealog/core/message/Event"
import { contentOf } from "@sealog/core/message/EventContent"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { services } from "../journal/support.ts"
import { makeMachine } from "./Memory.ts"

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest()
const hex = (bytes: Uint8Array) => sha256(bytes).toString("hex")
const told = (bytes: Uint8Array): { readonly fact: Fact } => ({
  fact: {
    kind: "message.added",
    conversation: "c",
    message: { key: "k", type: "mail", content: { _tag: "inline", bytes } }
  }
})
const filled = (fill: number, length = CONTENT_INDEX_BYTES) => new Uint8Array(length).fill(fill)
const plain: { readonly fact: Fact } = { fact: { kind: "file.removed", conversation: "", path: "p" } }

const share = Effect.fn("test.share")(function*(
  all: ReadonlyArray<{ readonly fact: Fact; readonly sha256?: Uint8Array }>,
  pending: ReadonlyMap<string, number> = new Map(),
  known: ReadonlyArray<readonly [string, number]> = []
) {
  const { journal } = yield* makeMachine
  const asked: Array<ReadonlyArray<string>> = []
  const listening = {
    ...journal,
    contents: (digests: ReadonlyArray<string>) => {
      asked.push(digests)
      return journal.contents(digests)
    }
  }
  if (known.length > 0) {
    const event = { kind: "file.removed", conversation: "", path: "p", source: "s", recordedAt: 1 } as const
    yield* journal.append(
      yield* makeEntry(yield* loadLog(journal), [event], { blobs: [], states: [], contents: known })
    )
  }
  const { contents, facts } = yield* shareContents(listening, all, { first: 100, pending })
  const { writer } = yield* journal.identity
  const same = (bytes: Uint8Array, index: number): Content => ({
    _tag: "same",
    sha256: sha256(bytes),
    size: bytes.length,
    writer,
    index
  })
  return { asked, contents, facts, found: facts.map((fact) => contentOf(fact)), same }
}, Effect.provide(services))

describe("the sharing of contents", () => {
  /** Verifies: CAP-4 */
  it.effect("lets later bytes of a batch name the first, and tells where that will stand", () =>
    Effect.gen(function*() {
      const [a, b] = [filled(1), filled(2, 700)]
      const all = [told(a), plain, told(b), told(a), told(b)]
      const { contents, facts, found, same } = yield* share(all)
      assert.deepStrictEqual(contents, [[hex(a), 100], [hex(b), 102]])
      assert.deepStrictEqual(found.slice(3), [same(a, 100), same(b, 102)])
      assert.deepStrictEqual(facts.slice(0, 3), all.slice(0, 3).map(({ fact }) => fact))
    }))

  /** Verifies: CAP-4 */
  it.effect("knows what the journal knows, and what is on its way there", () =>
    Effect.gen(function*() {
      const [a, b, c] = [filled(1), filled(2), filled(3)]
      const pending = new Map([[hex(b), 55]])
      const { asked, contents, found, same } = yield* share([told(a), told(b), told(c)], pending, [[hex(a), 7]])
      assert.deepStrictEqual(found, [same(a, 7), same(b, 55), { _tag: "inline", bytes: c }])
      assert.deepStrictEqual(contents, [[hex(c), 102]])
      assert.deepStrictEqual(asked, [[hex(a), hex(c)]])
    }))

  it.effect("asks for nothing where nothing is worth a reference", () =>
    Effect.gen(function*() {
      const short = filled(1, CONTENT_INDEX_BYTES - 1)
      const { asked, contents, facts } = yield* share([told(short), told(short), plain])
      assert.deepStrictEqual([asked, contents], [[], []])
      assert.deepStrictEqual(facts, [told(short).fact, told(short).fact, plain.fact])
      const waiting = yield* share([told(filled(1))], new Map([[hex(filled(1)), 3]]))
      assert.deepStrictEqual(waiting.asked, [])
      assert.deepStrictEqual(waiting.found, [waiting.same(filled(1), 3)])
    }))

  it.effect("takes a digest that is at hand", () =>
    Effect.gen(function*() {
      const digest = new Uint8Array(40).fill(9).subarray(4, 36)
      const { contents } = yield* share([{ ...told(filled(1)), sha256: digest }])
      assert.deepStrictEqual(contents, [["09".repeat(32), 100]])
    }))
})
