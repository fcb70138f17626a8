/** The heads that this machine has pinned, for whoever reads a vault here: none where this is no home of that vault. */
import { makePinFile } from "@sealog/adapters/journal/PinFile"
import type { Pin } from "@sealog/core/backup/HeadPin"
import { KeyRing, type KeyRingShape } from "@sealog/core/keys/KeyRing"
import type { KnownHead } from "@sealog/core/restore/Open"
import { Effect, Either } from "effect"
import { Buffer } from "node:buffer"
import * as Config from "../Config.ts"
import { Home } from "../Home.ts"
import type { Spec } from "../Spec.ts"

export type KnownHeads = ReadonlyMap<string, ReadonlyArray<KnownHead>>

/** What was last shipped to the places named, by writer in hex. A target is judged by its own pin alone. */
export const pinnedHeads = Effect.fn("Pins.heads")(function*(ring: KeyRingShape, places: ReadonlyArray<Spec>) {
  const config = yield* Effect.either(Config.load())
  if (Either.isLeft(config) || config.right.vaultId !== Buffer.from(ring.vaultId).toString("hex")) {
    return new Map() satisfies KnownHeads
  }
  const home = yield* Home
  const pin = yield* makePinFile(home.headPin).pipe(Effect.provideService(KeyRing, ring))
  const { targets } = yield* pin.read
  const names = config.right.targets.filter(({ spec }) => places.some((place) => place.spec === spec))
  return headsOf(targets, names.map(({ name }) => name))
})

/** The pins of some targets, as a reader of a vault takes them. */
const headsOf = (targets: Pin["targets"], names: ReadonlyArray<string>): KnownHeads => {
  const heads = new Map<string, ReadonlyArray<KnownHead>>()
  for (const name of names) {
    const head = targets[name]
    if (head === undefined) continue
    const writer = Buffer.from(head.writer).toString("hex")
    const known: KnownHead = { size: head.size, root: head.root, from: `pin of ${name}` }
    heads.set(writer, [...(heads.get(writer) ?? []), known])
  }
  return heads
}
