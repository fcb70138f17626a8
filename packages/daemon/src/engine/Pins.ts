/** The heads that this machine has pinned, for whoever reads a vault here: none where there is no home of that vault. */
import { readPin } from "@sealog/adapters/journal/PinFile"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import type { KnownHead } from "@sealog/core/restore/Open"
import { Effect, Option } from "effect"
import { Buffer } from "node:buffer"
import { Home } from "../Home.ts"

/** By writer in hex. With a target's name, what was last shipped there; else the furthest that any target has had. */
export const pinnedHeads = Effect.fn("Pins.heads")(function*(ring: KeyRingShape, target?: string) {
  const home = yield* Home
  const pin = yield* readPin(home.headPin, ring)
  const heads = new Map<string, ReadonlyArray<KnownHead>>()
  if (Option.isNone(pin)) return heads
  for (const [name, head] of Object.entries(pin.value.targets)) {
    if (target !== undefined && name !== target) continue
    const writer = Buffer.from(head.writer).toString("hex")
    heads.set(writer, [...(heads.get(writer) ?? []), { size: head.size, root: head.root, from: `pin of ${name}` }])
  }
  return heads
})
