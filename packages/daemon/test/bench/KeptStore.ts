/** A store that rows work on: made once, kept between runs, given new messages by its owner's hand and rid of them again. */
import type { SourceError } from "@sealog/core/backup/Source"
import type { Effect } from "effect"

export interface KeptStore {
  /** The folder that other programs back up. */
  readonly path: string
  /** The same as a SPEC. */
  readonly spec: string
  /** What it is restored as, and what of the folder that it is restored into is compared. */
  readonly format: "maildir" | "jsonl"
  readonly restored: string
  /** New messages come. No two seeds give the same. */
  readonly deliver: (options: { readonly count: number; readonly seed: number }) => Effect.Effect<void, SourceError>
  /** Removes what was delivered, also by a run that was killed. */
  readonly takeBack: () => void
  /** What is wrong with what our program restored; nothing where it is what was in the store. */
  readonly flaw: (restored: string) => string | undefined
}
