/** The frozen plaintexts of `docs/vectors/segments`: good ones that are read, and bad ones with one fault each. */
import { assert, describe, it } from "@effect/vitest"
import { eventsOfRuns } from "@sealog/core/format/Run"
import { decodeSegment, encodeSegment } from "@sealog/core/format/Segment"
import { Effect } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { bytesOf, hexOf } from "../Corpora.ts"
import { makeSegmentVectors, type Pieces, type SegmentVector } from "./segmentVectors.ts"

const folder = new URL("../../../../docs/vectors/segments/", import.meta.url)
const frozen = readdirSync(folder).filter((file) => file.endsWith(".json")).map((file): SegmentVector => ({
  name: file.replace(".json", ""),
  ...JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Omit<SegmentVector, "name">
}))

const bytesOfPieces = (pieces: Pieces): Uint8Array =>
  new Uint8Array(
    Buffer.concat(pieces.map((piece) => typeof piece === "string" ? bytesOf(piece) : new Uint8Array(piece)))
  )

/** How far a reader gets: the segment, then the events in its runs. */
const readAll = Effect.fn("test.readAll")(function*(plaintext: Uint8Array) {
  const segment = yield* decodeSegment(plaintext).pipe(
    Effect.mapError(({ reason }) => ({ layer: "segment", result: reason as string }))
  )
  const { first, last } = segment.trailer
  const events = yield* eventsOfRuns(first, last - first + 1, segment.runs).pipe(
    Effect.mapError(({ reason }) => ({ layer: "events", result: reason as string }))
  )
  return { segment, events }
})

describe("docs/vectors/segments", () => {
  for (const { comment, contents, expect, name, plaintext } of frozen) {
    /** Verifies: FMT-10, FMT-9 */
    it.effect(`${name}: ${expect.result}. ${comment}`, () =>
      Effect.gen(function*() {
        const read = yield* Effect.either(readAll(bytesOfPieces(plaintext)))
        if (read._tag === "Left") return assert.deepStrictEqual(read.left, expect)
        const { events, segment: { runs, trailer } } = read.right
        assert.deepStrictEqual({ layer: "events", result: "Success" }, expect)
        const { after, before, first, last, recordedFrom, recordedTo, writer } = trailer
        assert.deepStrictEqual({
          writer: hexOf(writer),
          first,
          last,
          before: hexOf(before.root),
          after: hexOf(after.root),
          recordedFrom,
          recordedTo,
          runs: runs.map((run) => ({
            source: run.source,
            conversation: run.conversation,
            class: run.class as string,
            alone: run.alone,
            indices: run.indices
          })),
          events: events.map(hexOf)
        }, contents!)
        assert.strictEqual(hexOf(encodeSegment({ ...trailer, runs })), hexOf(bytesOfPieces(plaintext)))
      }))
  }

  it("is what its generator makes, field by field", () => {
    const made = makeSegmentVectors()
    assert.sameMembers(made.map(({ name }) => name), frozen.map(({ name }) => name))
    for (const vector of made) {
      // What brotli makes of the same bytes may change with the library; the frozen frame stays readable.
      const { plaintext, ...rest } = vector
      assert.deepInclude(frozen.find(({ name }) => name === vector.name), rest)
      const length = (pieces: Pieces) => bytesOfPieces(pieces).length
      assert.strictEqual(length(plaintext), length(frozen.find(({ name }) => name === vector.name)!.plaintext))
    }
  })
})
