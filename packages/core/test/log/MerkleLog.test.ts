/** The log's heads: the same whatever way the events came, and a log that goes on as if it had never stopped. */
import { assert, describe, it } from "@effect/vitest"
import { ByteReader, ByteWriter, parse } from "@sealog/core/format/Binary"
import { LEAF_EVENTS, LOG_EVENTS } from "@sealog/core/format/Limits"
import {
  appendLeaf,
  emptyRange,
  encodeRange,
  headAt,
  leafHash,
  LogBuilder,
  rangeOf,
  readRange,
  rootOfRange
} from "@sealog/core/log/MerkleLog"
import { consistencyProof, emptyRoot, rootOfLeaves, verifyConsistency } from "@sealog/core/log/MerkleTree"
import { Either } from "effect"
import * as fc from "fast-check"
import { createHash } from "node:crypto"
import { hexOf } from "../Corpora.ts"

const eventsArbitrary = fc.array(fc.uint8Array({ maxLength: 24 }), { maxLength: 330 })

/** The definition, word for word. */
const leavesOf = (events: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> =>
  Array.from({ length: Math.ceil(events.length / LEAF_EVENTS) }, (_, leaf) => {
    const hash = createHash("sha256").update(Uint8Array.of(0))
    for (const event of events.slice(leaf * LEAF_EVENTS, (leaf + 1) * LEAF_EVENTS)) {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(event.length)
      hash.update(length).update(event)
    }
    return new Uint8Array(hash.digest())
  })

const builderOf = (events: ReadonlyArray<Uint8Array>): LogBuilder => {
  const builder = LogBuilder.empty()
  builder.appendAll(events)
  return builder
}

describe("MerkleLog", () => {
  it("has the head that its definition gives", () => {
    fc.assert(fc.property(eventsArbitrary, (events) => {
      const builder = builderOf(events)
      const leaves = leavesOf(events)
      assert.strictEqual(builder.size, events.length)
      assert.strictEqual(hexOf(builder.head().root), hexOf(rootOfLeaves(leaves)))
      const full = Math.floor(events.length / LEAF_EVENTS)
      assert.deepStrictEqual(builder.takeLeaves().map(hexOf), leaves.slice(0, full).map(hexOf))
      assert.deepStrictEqual(
        leaves.map(hexOf),
        leaves.map((_, at) => hexOf(leafHash(events.slice(at * 64, at * 64 + 64))))
      )
    }))
  })

  /** Verifies: LOG-1, LOG-4 */
  it("goes on from any head with the open leaf's events as if it had never stopped", () => {
    fc.assert(fc.property(eventsArbitrary, fc.array(fc.nat(330), { maxLength: 6 }), (events, cuts) => {
      let builder = LogBuilder.empty()
      const leaves: Array<Uint8Array> = []
      let from = 0
      for (const to of [...cuts.filter((cut) => cut < events.length).toSorted((a, b) => a - b), events.length]) {
        builder.appendAll(events.slice(from, to))
        leaves.push(...builder.takeLeaves())
        const head = builder.head()
        const open = events.slice(to - (to % LEAF_EVENTS), to)
        assert.deepStrictEqual(builder.openEvents().map(hexOf), open.map(hexOf))
        assert.strictEqual(hexOf(headAt(to, leaves, open).root), hexOf(head.root))
        builder = LogBuilder.make(head, open)
        from = to
      }
      const whole = builderOf(events)
      assert.deepStrictEqual(builder.head(), whole.head())
      assert.deepStrictEqual(leaves.map(hexOf), whole.takeLeaves().map(hexOf))
    }))
  })

  it("changes its root with every event changed, swapped, split or left out", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 }), { minLength: 2, maxLength: 150 }),
        (events) => {
          const root = hexOf(builderOf(events).head().root)
          const at = events.length >> 1
          const event = events[at]!
          const other = (changed: ReadonlyArray<Uint8Array>) =>
            assert.notStrictEqual(hexOf(builderOf(changed).head().root), root)
          other(events.with(at, event.map((byte) => byte ^ 1)))
          other(events.toSpliced(at, 1))
          other(events.toSpliced(at, 0, new Uint8Array(0)))
          other(events.toSpliced(at, 1, event.subarray(0, 0), event))
          if (hexOf(events[0]!) !== hexOf(event)) other(events.with(at, events[0]!).with(0, event))
        }
      )
    )
  })

  it("keeps a clone and its origin apart", () => {
    const events = Array.from({ length: 100 }, (_, at) => Uint8Array.of(at))
    const builder = builderOf(events)
    const clone = builder.clone()
    assert.deepStrictEqual(clone.head(), builder.head())
    assert.deepStrictEqual(clone.takeLeaves(), [])
    const before = builder.head()
    clone.appendAll(events)
    assert.deepStrictEqual(builder.head(), before)
    assert.deepStrictEqual(clone.head(), builderOf([...events, ...events]).head())
    assert.strictEqual(builder.takeLeaves().length, 1)
    assert.strictEqual(builder.takeLeaves().length, 0)
  })

  it("clones an open leaf of the largest events", () => {
    const events = Array.from({ length: 3 }, (_, at) => new Uint8Array(65_536).fill(at))
    assert.deepStrictEqual(builderOf(events).clone().head(), builderOf(events).head())
  })

  it("has the head at any size up to what is known of it", () => {
    const events = Array.from({ length: 300 }, (_, at) => Uint8Array.of(at >> 8, at))
    const leaves = builderOf(events).takeLeaves()
    for (const size of [0, 1, 64, 70, 127, 128, 200, 256]) {
      const head = headAt(size, leaves, events.slice(size - (size % LEAF_EVENTS)))
      assert.deepStrictEqual(head, builderOf(events.slice(0, size)).head())
    }
  })

  it("takes leaves of the largest events, and lets go of their memory", () => {
    const events = Array.from({ length: 70 }, (_, at) => new Uint8Array(65_536).fill(at))
    assert.strictEqual(hexOf(builderOf(events).head().root), hexOf(rootOfLeaves(leavesOf(events))))
  })

  /** Verifies: LOG-3 */
  it("is provably the same log at every size, leaf by leaf", () => {
    const leaves = leavesOf(Array.from({ length: 20 * LEAF_EVENTS }, (_, at) => Uint8Array.of(at >> 8, at)))
    let range = emptyRange
    for (let size = 0; size <= leaves.length; size++) {
      const older = { size, root: rootOfRange(range) }
      const newer = { size: leaves.length, root: rootOfLeaves(leaves) }
      assert.isTrue(verifyConsistency({ older, newer, proof: consistencyProof(size, leaves) }))
      assert.deepStrictEqual(range, rangeOf(leaves.slice(0, size)))
      if (size < leaves.length) range = appendLeaf(range, leaves[size]!)
    }
  })

  it("keeps the compact range in a few bytes and reads it back", () => {
    for (const leaves of [0, 1, 2, 3, 7, 8, 1000]) {
      const range = rangeOf(Array.from({ length: leaves }, (_, at) => leafHash([Uint8Array.of(at >> 8, at)])))
      const bytes = encodeRange(range)
      const reader = new ByteReader(bytes, "range")
      assert.deepStrictEqual(readRange(reader), range)
      reader.end()
      assert.isAtMost(bytes.length, 6 + 32 * 10)
    }
  })

  it("is the hash of nothing while it is empty", () => {
    assert.deepStrictEqual(LogBuilder.empty().head(), { size: 0, root: emptyRoot, peaks: [] })
  })

  it("refuses to go on without the events of the open leaf", () => {
    const head = builderOf(Array.from({ length: 70 }, () => Uint8Array.of(1))).head()
    assert.throws(() => LogBuilder.make(head, []), RangeError)
    assert.throws(() => LogBuilder.make({ ...head, peaks: [] }, head.peaks), RangeError)
    assert.throws(() => LogBuilder.make({ size: 64, peaks: [] }, []), RangeError)
    assert.throws(() => headAt(64, [], []), RangeError)
  })

  it("has no head of leaves that are not all there, though as many peaks stand for fewer", () => {
    assert.throws(() => headAt(128, [leafHash([])], []), /1 leaves for a log of 128/)
  })

  it("reads no range of more leaves than a log can have", () => {
    const most = Math.floor(LOG_EVENTS / LEAF_EVENTS)
    const read = (leaves: number) => {
      const peaks = leaves.toString(2).replaceAll("0", "").length
      return parse(new ByteWriter().u48(leaves).zeros(32 * peaks).finish(), "range", readRange)
    }
    assert.lengthOf(Either.getOrThrow(read(most)).peaks, 42)
    assert.deepInclude(Either.getOrThrow(Either.flip(read(most + 1))), { reason: "Limit" })
  })
})
