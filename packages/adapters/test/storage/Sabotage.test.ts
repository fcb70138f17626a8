/** The storage contract can fail: each way of being wrong breaks the promise that is about it, and says what to mend. */
import { assert, describe, it } from "@effect/vitest"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { Storage, StorageError, type StorageShape } from "@sealog/core/backup/Storage"
import { examine } from "@sealog/core/testing/Contract"
import { claimed, storageContract } from "@sealog/core/testing/StorageContract"
import { Effect, Layer, Stream } from "effect"

type Sabotage = (memory: StorageShape, objects: Map<string, Uint8Array>) => Partial<StorageShape>

const error = (reason: StorageError["reason"], method: string, subject: string, retryable = false) =>
  new StorageError({ reason, method, subject, retryable })

const cases: ReadonlyArray<readonly [wrong: string, clause: string, sabotage: Sabotage]> = [
  ["cuts large objects", "gives back 16 MiB as stored", ({ put }) => ({
    put: (name, bytes) => put(name, bytes.subarray(0, 10_000_000))
  })],
  [
    "converts line breaks",
    "gives back bytes that look like text with line breaks of three systems as stored",
    ({ put }) => ({
      put: (name, bytes) => put(name, bytes.filter((byte) => byte !== 13))
    })
  ],
  ["stores the whole buffer of a view", "stores a view of a larger buffer as the view alone", ({ put }) => ({
    put: (name, bytes) => put(name, new Uint8Array(bytes.buffer))
  })],
  ["keeps what the caller goes on to change", "keeps its own copy of what it was given", ({ put }, objects) => ({
    put: (name, bytes) => Effect.tap(put(name, bytes), () => objects.set(name, bytes))
  })],
  ["begins before it is run", "does nothing until a verb's effect is run, and does it anew at each run", ({ put }) => ({
    put: (name, bytes) => {
      const done = Effect.runSync(Effect.exit(put(name, bytes)))
      return done
    }
  })],
  ["takes objects of any size", "refuses an object larger than it claims, and stores nothing of it", ({ put }) => ({
    put: (name, bytes) => put(name, bytes.subarray(0, 40 * 1024 * 1024))
  })],
  ["takes NotFound for a passing trouble", "does not take NotFound for something that may pass", ({ get }) => ({
    get: (name, range) => Effect.mapError(get(name, range), ({ method, reason }) => error(reason, method, name, true))
  })],
  ["forgets which object it was", "names the verb and the object in its errors", ({ get }) => ({
    get: (name, range) => Effect.mapError(get(name, range), ({ reason }) => error(reason, "get", "an object"))
  })],
  ["unescapes names", "refuses a name that leads out of the vault by an escape in every verb", (memory) => ({
    put: (name, bytes) => memory.put(decodeURIComponent(name).replaceAll("..", "aa"), bytes)
  })],
  ["overwrites", "refuses a name that is taken, and changes nothing", ({ put }, objects) => ({
    put: (name, bytes) => Effect.zipRight(Effect.sync(() => objects.delete(name)), put(name, bytes))
  })],
  ["takes an empty object for none", "refuses a name that an empty object has", ({ put }, objects) => ({
    put: (name, bytes) =>
      Effect.zipRight(
        Effect.sync(() => {
          if (objects.get(name)?.length === 0) objects.delete(name)
        }),
        put(name, bytes)
      )
  })],
  ["looks before it leaps", "lets exactly one of 20 racing puts win", ({ put }, objects) => ({
    put: (name, bytes) =>
      objects.has(name)
        ? Effect.fail(error("AlreadyExists", "put", name))
        : Effect.yieldNow().pipe(
          Effect.zipRight(Effect.sync(() => objects.delete(name))),
          Effect.zipRight(put(name, bytes))
        )
  })],
  ["tells losers of a race something else", "tells every loser of a race that the name is taken", ({ put }) => ({
    put: (name, bytes) => Effect.mapError(put(name, bytes), () => error("Denied", "put", name))
  })],
  ["counts a range from one", "reads the first byte alone", ({ get }) => ({
    get: (name, range) => get(name, range === undefined ? range : { ...range, offset: range.offset + 1 })
  })],
  ["fails past the end", "reads nothing of a range beyond the end", ({ get }, objects) => ({
    get: (name, range) =>
      (range?.offset ?? 0) > (objects.get(name)?.length ?? 0)
        ? Effect.fail(error("Corrupt", "get", name))
        : get(name, range)
  })],
  ["rounds ranges", "refuses a range of fractions or of no number", ({ get }) => ({
    get: (name, range) =>
      get(
        name,
        range === undefined ? range : { offset: Math.trunc(range.offset), length: Math.trunc(range.length) || 0 }
      )
  })],
  ["lists one page", "lists 2,500 objects, each once, with its size", ({ list }) => ({
    list: (prefix) => Stream.take(list(prefix), 1000)
  })],
  ["lists late", "lists an object as soon as it is stored, every time", ({ list }) => ({
    list: (prefix) => Stream.drop(list(prefix), 1)
  })],
  ["lists anything", "lists nothing outside of the vault", () => ({
    list: () => Stream.make({ name: "log/aa", size: 1 })
  })],
  ["complains of what is gone", "deletes twice, and what never was, without complaint", (memory, objects) => ({
    delete: (name) => objects.has(name) ? memory.delete(name) : Effect.fail(error("NotFound", "delete", name))
  })],
  ["shows half an object", "never shows a reader half an object", ({ put }, objects) => ({
    put: (name, bytes) =>
      Effect.sync(() => objects.set(name, bytes.subarray(0, 10))).pipe(
        Effect.zipRight(Effect.repeatN(Effect.yieldNow(), 5)),
        Effect.zipRight(Effect.sync(() => objects.delete(name))),
        Effect.zipRight(put(name, bytes))
      )
  })],
  ["leaves half an object", "leaves all or nothing of a put that was interrupted", ({ put }, objects) => ({
    put: (name, bytes) =>
      Effect.sync(() => objects.set(name, bytes.subarray(0, 10))).pipe(
        Effect.zipRight(Effect.repeatN(Effect.yieldNow(), 100)),
        Effect.zipRight(Effect.sync(() => objects.delete(name))),
        Effect.zipRight(put(name, bytes))
      )
  })],
  ["cannot be interrupted", "gives up a get at once when it is interrupted", () => ({
    get: () => Effect.uninterruptible(Effect.as(Effect.sleep("20 seconds"), new Uint8Array(0)))
  })]
]

const broken = (clause: string, sabotage: Sabotage) =>
  Effect.gen(function*() {
    const contract = storageContract()
    const clauses = contract.clauses.filter(({ name }) => name === clause)
    assert.strictEqual(clauses.length, 1, `there is no clause "${clause}"`)
    const make = Effect.suspend(() => {
      const objects = new Map<string, Uint8Array>()
      return Effect.map(makeMemory({ objects }), (memory) => ({ ...memory, ...sabotage(memory, objects) }))
    })
    const capabilities = claimed(yield* make)
    return yield* examine({ ...contract, clauses }, { name: "wrong", layer: Layer.effect(Storage, make), capabilities })
  })

describe("the storage contract", () => {
  for (const [wrong, clause, sabotage] of cases) {
    /** Verifies: KIT-1 */
    it.live(`finds out a place that ${wrong}`, () =>
      Effect.gen(function*() {
        const [verdict] = yield* broken(clause, sabotage)
        assert.strictEqual(verdict?._tag, "broken")
        if (verdict?._tag !== "broken") return
        assert.match(verdict.why, /\S/u)
        assert.match(verdict.mend ?? "", /^[a-z]/u)
      }), 30_000)
  }

  /** Verifies: KIT-1 */
  it("has 60 promises and more, each with its own name and what to mend", () => {
    const { clauses } = storageContract()
    assert.isAtLeast(clauses.length, 60)
    assert.strictEqual(new Set(clauses.map(({ name }) => name)).size, clauses.length)
    for (const { mend, name } of clauses) assert.isDefined(mend, name)
  })
})
