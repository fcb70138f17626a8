/** What tests of compactions share: segments of one event each, any that one likes, and a compaction. */
import { compact } from "@sealog/core/backup/Compaction"
import { cut } from "@sealog/core/backup/Segmenter"
import type { Target } from "@sealog/core/backup/Shipper"
import { sealSegment } from "@sealog/core/backup/VaultObjects"
import { Entropy } from "@sealog/core/keys/Entropy"
import { Effect } from "effect"
import { fill, type Machine, type Place, ring, shipAll } from "./Memory.ts"

/** So many segments of one event each. */
export const shipSingly = Effect.fn("test.shipSingly")(function*(machine: Machine, place: Place, count: number) {
  for (let n = 0; n < count; n++) {
    yield* fill(machine, 1)
    yield* shipAll(machine, place.target)
  }
})

export const compactAt = ({ journal }: Machine, target: Target) =>
  Effect.flatMap(Entropy, (entropy) => compact({ journal, ring, entropy, target }))

export const reasonOf = (error: { readonly reason: string }) => error.reason

/** Puts a segment of the journal's own events there, of any level and session. */
export const plant = Effect.fn("test.plant")(function*(
  { journal }: Machine,
  { target }: Place,
  range: { readonly from: number; readonly to: number; readonly level: number },
  over: { readonly session?: Uint8Array; readonly root?: Uint8Array } = {}
) {
  const { session, writer } = yield* journal.identity
  const { contents } = yield* cut(journal, { writer, ...range })
  const name = {
    epoch: 0,
    writer,
    level: range.level,
    first: range.from,
    last: range.to - 1,
    session: over.session ?? session
  }
  const after = { ...contents.after, ...(over.root === undefined ? {} : { root: over.root }) }
  const sealed = yield* sealSegment({ ring, entropy: yield* Entropy, name, contents: { ...contents, after } })
  yield* target.storage.put(sealed.object, sealed.bytes)
  return sealed
})
