/**
 * A machine that records and ships what it is given, and what somebody sees of it who sees every object at its target:
 * how long each is. Also how long it is before it is padded, which nobody sees, to show how much the padding does.
 */
import type { Draft, SourceShape } from "@sealog/core/backup/Source"
import { epochOf, parseSegmentName } from "@sealog/core/format/ObjectName"
import { openStream, streamContext } from "@sealog/core/format/SealedStream"
import { decodeTrailer, runsLength } from "@sealog/core/format/SegmentTrailer"
import { Effect, Either, Stream } from "effect"
import { makeSmallMachine } from "../faults/SmallMachine.ts"

/** Of what one ship put there, bytes: of the segment it sent, and of those that it merged others into. */
export interface Sizes {
  readonly sent: number
  readonly merged: number
}

export interface Seen {
  /** As anybody sees it. */
  readonly padded: Sizes
  /** As it would be seen without padding. */
  readonly exact: Sizes
}

export interface SizeWorld {
  /** Records these, each batch a pass of its own, and ships them together. */
  readonly ship: (...batches: ReadonlyArray<ReadonlyArray<Draft>>) => Effect.Effect<Seen, unknown>
}

export const makeSizeWorld = Effect.fn("SizeWorld.make")(function*(seed: string) {
  let next: ReadonlyArray<Draft> = []
  const source: SourceShape = {
    name: "store",
    kind: "memory",
    remember: () => undefined,
    changes: () => Stream.suspend(() => Stream.succeed({ drafts: next })),
    hints: Stream.never,
    dump: () => Stream.empty,
    gaps: () => []
  }
  const { capture, objects, puts, ring, ship } = yield* makeSmallMachine({ seed, source })

  const exactly = (name: string, sealed: Uint8Array): number => {
    const kind = name.startsWith("log/") ? "segment" : "blob"
    const key = ring.key(epochOf(name)!, kind)!
    const context = streamContext({ kind, vaultId: ring.vaultId, name })
    const plaintext = Either.getOrThrow(openStream({ key, context, sealed }))
    if (kind === "blob") return new DataView(plaintext.buffer, plaintext.byteOffset).getUint32(0)
    const read = Either.getOrThrow(decodeTrailer(plaintext, plaintext.length))
    return read._tag === "Trailer" ? runsLength(read.trailer) + read.trailerLength : 0
  }

  return {
    ship: Effect.fn("SizeWorld.ship")(function*(...batches) {
      for (const batch of batches) {
        next = batch
        yield* capture(0)
      }
      const before = puts.length
      yield* ship
      const seen = { padded: { sent: 0, merged: 0 }, exact: { sent: 0, merged: 0 } }
      for (const name of puts.slice(before)) {
        const parsed = parseSegmentName(ring, name)
        const how = Either.isRight(parsed) && parsed.right.level > 0 ? "merged" : "sent"
        // Merged already, and so merged again: what that is of is long past.
        if (Either.isRight(parsed) && parsed.right.level > 1) continue
        const sealed = objects.get(name)
        if (sealed === undefined) continue
        seen.padded[how] += sealed.length
        seen.exact[how] += exactly(name, sealed)
      }
      return seen
    })
  } satisfies SizeWorld
})
