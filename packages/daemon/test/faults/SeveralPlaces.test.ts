/** A reader of one vault at several places, of which some stop to answer while it reads. */
import { assert, describe, it } from "@effect/vitest"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { StorageError, type StorageShape } from "@sealog/core/backup/Storage"
import { makeFetch } from "@sealog/core/restore/Fetch"
import { Effect, Stream } from "effect"
import { makeSmallVault } from "./SmallVault.ts"

const away = (method: string) =>
  new StorageError({ reason: "Unreachable", method, subject: "a place", retryable: true })

describe("a vault at several places", () => {
  const setUp = Effect.gen(function*() {
    const { objects, ring } = yield* makeSmallVault({ seed: "several places", segments: 5 })
    const whole = yield* makeMemory({ objects: new Map(objects) })
    const asked: Array<string> = []
    const silent: StorageShape = {
      ...whole,
      get: (name) => Effect.zipRight(Effect.sync(() => asked.push(name)), away("get"))
    }
    const read = (first: StorageShape, second: StorageShape) =>
      Effect.gen(function*() {
        const fetch = yield* makeFetch([{ name: "first", storage: first }, { name: "second", storage: second }], ring)
        const segments = fetch.writers.flatMap((log) => log.segments)
        for (const segment of segments) yield* fetch.segment(segment)
        return { away: fetch.away.map(({ place }) => place), lagging: fetch.lagging, segments: segments.length }
      })
    return { asked, read, ring, silent, whole }
  })

  /** Verifies: RST-20 */
  it.effect("is read on at another place when one stops to answer, which is asked but once", () =>
    Effect.gen(function*() {
      const { asked, read, silent, whole } = yield* setUp
      assert.deepStrictEqual(yield* read(silent, whole), { away: [], lagging: [], segments: 5 })
      assert.lengthOf(asked, 1)
    }))

  /** Verifies: RST-20 */
  it.effect("is read without a place that cannot be listed, which is named; and not at all where none can", () =>
    Effect.gen(function*() {
      const { asked, read, silent, whole } = yield* setUp
      const gone: StorageShape = { ...silent, list: () => Stream.fail(away("list")) }
      assert.deepStrictEqual(yield* read(gone, whole), { away: ["first"], lagging: [], segments: 5 })
      assert.lengthOf(asked, 0)
      assert.deepInclude(yield* Effect.flip(read(gone, gone)), { _tag: "StorageError", reason: "Unreachable" })
    }))
})
