/** A program that backs the same store up to the same disk, as its users run it. */
import type { SourceError } from "@sealog/core/backup/Source"
import type { Effect, Scope } from "effect"
import type { EndedEarly } from "../../support/Process.ts"
import type { KeptStore } from "../KeptStore.ts"
import type { Metered, NotDone } from "../Metered.ts"

export interface Arena {
  /** A folder of its own for this run: home, caches, vault and what is restored. */
  readonly folder: string
  readonly store: KeptStore
  /** What a key derivation of ours takes, where that is not to be what users have. */
  readonly kdfMemoryMiB?: number | undefined
}

/** Mails come into the store when it is run; gives how many. */
export type Arriving = Effect.Effect<number, SourceError>

export interface Contender {
  readonly name: string
  /** What is at the target. */
  readonly vault: string
  /** Backs up what is new, in a process of its own. */
  readonly backup: Effect.Effect<Metered, NotDone>
  /** Restores all to a new folder; gives where the store is in it. */
  readonly restore: (to: string) => Effect.Effect<Metered & { readonly restored: string }, NotDone>
  /** Proves that what is at the target can be restored: a drill, or what the program has instead. */
  readonly check: Effect.Effect<Metered, NotDone>
  /** The first check, where later ones go on from it. */
  readonly rehearse?: Effect.Effect<Metered, NotDone>
  /** What a process that runs all the while takes to back up what arrives, where there is such a process. */
  readonly live?: (arriving: Arriving) => Effect.Effect<Metered, NotDone | EndedEarly | SourceError>
}

/** What a scenario needs to know before it makes any. */
export interface Entrant {
  readonly name: string
  /** As the program itself says it; nothing where it is not installed. */
  readonly version: Effect.Effect<string | undefined>
  /** Makes an empty vault, unmeasured. */
  readonly enter: (arena: Arena) => Effect.Effect<Contender, NotDone, Scope.Scope>
}
