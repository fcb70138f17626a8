/**
 * Where each message was told, by its key: needed only when a database was replaced by another one, in which the same
 * messages may have other rows. It is then made of all that was told, which takes as long as reading that does.
 */
import type { Past, SourceError, SourceState } from "@sealog/core/backup/Source"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { breathe } from "../Breath.ts"
import { pagesIn, toldOf } from "./DatabaseTable.ts"
import type { Told } from "./Pages.ts"

export interface KnownKeys {
  /** Whether a row that nothing was told of may hold a message that was told of another one. */
  readonly inDoubt: () => boolean
  /** Where a message was told; from here on there is doubt. */
  readonly look: (key: string) => Effect.Effect<Told | undefined, SourceError>
}

/** `doubt`: from the beginning on. */
export const makeKnownKeys = (state: SourceState, past: Past, doubt: boolean): KnownKeys => {
  let doubts = doubt
  let known: Map<number, Told> | undefined

  const load = Effect.gen(function*() {
    const found = new Map<number, Told>()
    for (const page of pagesIn(state)) {
      yield* breathe
      for (const [, told] of toldOf((key) => state.get(key), page)) {
        const event = yield* past.event(told.newest)
        if (event === undefined || !("message" in event)) continue
        const digest = digestOf(event.message.key)
        const other = found.get(digest)
        if (other === undefined || other.newest < told.newest) found.set(digest, told)
      }
    }
    return known = found
  })

  return {
    inDoubt: () => doubts,
    look: (key) =>
      Effect.suspend(() => {
        doubts = true
        return Effect.map(known === undefined ? load : Effect.succeed(known), (all) => all.get(digestOf(key)))
      })
  }
}

/** 48 bits: two messages of a million have the same one in a store of five hundred; who asks compares the key. */
const digestOf = (key: string): number => createHash("sha256").update(key).digest().readUIntBE(0, 6)
