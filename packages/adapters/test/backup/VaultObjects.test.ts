/** The objects of a vault: nothing is given out that is not what its name says, whole or in part. */
import { assert, describe, it } from "@effect/vitest"
import { cut } from "@sealog/core/backup/Segmenter"
import {
  getObject,
  listSegments,
  openBlob,
  openSegment,
  readRuns,
  readSegment,
  readTrailer,
  sealBlob,
  sealSegment
} from "@sealog/core/backup/VaultObjects"
import { CHUNK_BYTES, OBJECT_BYTES } from "@sealog/core/format/Limits"
import { Entropy } from "@sealog/core/keys/Entropy"
import { Effect } from "effect"
import { randomBytes } from "node:crypto"
import { ringOf, services } from "../journal/support.ts"
import { added, append, fill, makeMachine, makePlace, ring, segmentsAt, shipAll } from "./Memory.ts"

/** A target with one segment. */
const shipped = Effect.gen(function*() {
  const machine = yield* makeMachine
  const place = yield* makePlace()
  yield* fill(machine, 5)
  yield* append(machine, [added("x", { conversation: "other" }), added("y", { conversation: "third" })])
  yield* shipAll(machine, place.target)
  const [info] = yield* segmentsAt(place)
  return { info: info!, machine, place, storage: place.target.storage }
})

const reasonOf = <A, R>(work: Effect.Effect<A, { readonly reason: string }, R>) =>
  Effect.match(work, { onFailure: ({ reason }) => reason, onSuccess: () => "read" })

describe("a listing", () => {
  it.effect("tells our segments from all else that lies there", () =>
    Effect.gen(function*() {
      const { info, place, storage } = yield* shipped
      const other = `log/${"a".repeat(70)}`
      place.objects.set(other, new Uint8Array(7))
      place.objects.set(`blobs/${"a".repeat(56)}`, new Uint8Array(7))
      const { foreign, segments } = yield* listSegments(storage, ring)
      assert.deepStrictEqual(segments, [info])
      assert.deepStrictEqual([info.first, info.last, info.level, info.epoch], [0, 6, 0, 0])
      assert.strictEqual(info.bytes, place.objects.get(info.object)!.length)
      assert.deepStrictEqual(foreign.map(({ object, problem }) => [object, problem.reason]), [[other, "Unauthentic"]])
    }).pipe(Effect.provide(services)))
})

describe("a segment", () => {
  it.effect("is read whole, by its end, or by some of its runs", () =>
    Effect.gen(function*() {
      const { info, storage } = yield* shipped
      const whole = yield* readSegment(storage, ring, info)
      const trailer = yield* readTrailer(storage, ring, info)
      assert.deepStrictEqual(trailer, whole.trailer)
      const entries = trailer.runs.filter(({ conversation }) => conversation !== "chat")
      const runs = yield* readRuns(storage, ring, info, entries)
      assert.deepStrictEqual(runs.map((run) => run.conversation), ["other", "third"])
      assert.deepStrictEqual(runs, whole.runs.filter(({ conversation }) => conversation !== "chat"))
    }).pipe(Effect.provide(services)))

  it.effect("of many chunks is read by ranges, each once, none beyond its end", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      // Text that nothing shortens: five chunks and more.
      for (let n = 0; n < 5; n++) {
        yield* append(machine, [
          added(`m${n}`, {
            conversation: `c${n}`,
            message: { key: `m${n}`, type: "text", text: randomBytes(50_000).toString("base64") }
          })
        ])
      }
      yield* shipAll(machine, place.target)
      const [info] = yield* segmentsAt(place)
      const ranges: Array<readonly [number, number]> = []
      const storage = {
        ...place.target.storage,
        get: (object: string, range?: { readonly offset: number; readonly length: number }) => {
          ranges.push([range!.offset, range!.length])
          return place.target.storage.get(object, range)
        }
      }
      const trailer = yield* readTrailer(storage, ring, info!)
      const whole = yield* readSegment(place.target.storage, ring, info!)
      assert.deepStrictEqual(trailer, whole.trailer)
      assert.deepStrictEqual(yield* readRuns(storage, ring, info!, trailer.runs), whole.runs)
      assert.deepStrictEqual(yield* readRuns(storage, ring, info!, [trailer.runs[3]!]), [whole.runs[3]!])
      for (const [offset, length] of ranges) assert.isAtMost(offset + length, info!.bytes)
      assert.isTrue(ranges.some(([, length]) => length > CHUNK_BYTES * 2))
    }).pipe(Effect.provide(services)))

  it.effect("is refused where it does not say what its name says", () =>
    Effect.gen(function*() {
      const { info, machine, place, storage } = yield* shipped
      const { contents } = yield* cut(machine.journal, { writer: info.writer, from: 0, to: 7 })
      const entropy = yield* Entropy
      const others = [{ first: 1 }, { last: 7 }, { writer: new Uint8Array(8).fill(5) }]
      for (const other of others) {
        const name = { ...info, ...other }
        const sealed = yield* sealSegment({ ring, entropy, name, contents })
        const named = { ...name, object: sealed.object, bytes: sealed.bytes.length }
        assert.strictEqual(yield* reasonOf(openSegment(ring, named, sealed.bytes)), "Mismatch")
        // Under the name of another object it does not even open.
        assert.strictEqual(yield* reasonOf(openSegment(ring, info, sealed.bytes)), "Unauthentic")
      }
      const bytes = place.objects.get(info.object)!
      assert.strictEqual(yield* reasonOf(openSegment(ring, info, bytes)), "read")
      assert.strictEqual(yield* reasonOf(openSegment(ringOf(1, 5), info, bytes)), "Unauthentic")
      assert.strictEqual(yield* reasonOf(openSegment(ring, { ...info, epoch: 3 }, bytes)), "Unauthentic")
      assert.strictEqual(yield* reasonOf(readTrailer(storage, ring, { ...info, epoch: 3 })), "Unauthentic")
      const error = yield* Effect.flip(openSegment(ring, info, bytes.with(100, bytes[100]! ^ 1)))
      assert.deepInclude(error, { reason: "Unauthentic", what: info.object, detail: "chunk 0" })
      assert.deepInclude(yield* Effect.flip(openSegment(ring, info, bytes.with(0, bytes[0]! ^ 1))), {
        detail: "commitment"
      })
    }).pipe(Effect.provide(services)))

  it.effect("that is shorter than its listing said is cut off", () =>
    Effect.gen(function*() {
      const { info, place, storage } = yield* shipped
      const bytes = place.objects.get(info.object)!
      for (const length of [0, 63, 64, bytes.length - 1]) {
        place.objects.set(info.object, bytes.subarray(0, length))
        assert.strictEqual(yield* reasonOf(readTrailer(storage, ring, info)), "Truncated", `${length}`)
      }
      assert.strictEqual(yield* reasonOf(readTrailer(storage, ring, { ...info, bytes: 70 })), "Truncated")
    }).pipe(Effect.provide(services)))
})

describe("a blob", () => {
  it.effect("opens under its own name alone", () =>
    Effect.gen(function*() {
      const blob = {
        ring,
        epoch: 0,
        writer: new Uint8Array(8),
        sha256: new Uint8Array(32),
        bytes: Uint8Array.of(1, 2, 3)
      }
      const entropy = yield* Entropy
      const sealed = yield* sealBlob({ ...blob, entropy })
      const opening = { ring, epoch: 0, ...sealed }
      assert.deepStrictEqual(yield* openBlob(opening), blob.bytes)
      const other = yield* sealBlob({ ...blob, entropy, sha256: new Uint8Array(32).fill(1) })
      assert.strictEqual(yield* reasonOf(openBlob({ ...opening, object: other.object })), "Unauthentic")
      assert.strictEqual(yield* reasonOf(openBlob({ ...opening, epoch: 1 })), "Unauthentic")
      assert.strictEqual(
        yield* reasonOf(
          Effect.suspend(() => sealBlob({ ...blob, entropy, bytes: new Uint8Array(2 ** 24 + 1) })).pipe(
            Effect.catchAllDefect((defect) => Effect.fail(defect as { reason: string }))
          )
        ),
        "Limit"
      )
    }).pipe(Effect.provide(services)))
})

describe("an object", () => {
  it.effect("is never longer than a reader is ready for", () =>
    Effect.gen(function*() {
      const { objects, target } = yield* makePlace()
      const name = `blobs/${"a".repeat(56)}`
      objects.set(name, new Uint8Array(OBJECT_BYTES))
      assert.lengthOf(yield* getObject(target.storage, name), OBJECT_BYTES)
      objects.set(name, new Uint8Array(OBJECT_BYTES + 1))
      const error = yield* Effect.flip(getObject(target.storage, name))
      assert.deepInclude(error, { reason: "Limit", what: name })
    }).pipe(Effect.provide(services)))
})
