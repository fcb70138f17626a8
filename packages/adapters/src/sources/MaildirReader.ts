/**
 * Many files of a Maildir at once. A few are looked at and read here; many go to a thread of their own, so that reading
 * goes on while what was read is recorded, and half of the looking is done there while the other half is done here.
 */
import { Chunk, Effect } from "effect"
import { makeThread, type Thread } from "../threads/Thread.ts"
import { breathe } from "./Breath.ts"

import { type Answer, type Request, statsIn, takenIn, takeRequest } from "./MaildirParcels.ts"
import type { Failure, MaildirStore, Stat, Taken, Unsteady } from "./MaildirStore.ts"

export interface File {
  readonly path: string
  readonly stat: Stat
}

export interface MaildirReader {
  /** What is at each of these paths. */
  readonly stats: (paths: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Stat | Failure>>
  /** Reads and hashes regular files, as `MaildirStore.take` does one. */
  readonly take: (
    files: ReadonlyArray<File>,
    nowNs?: bigint
  ) => Effect.Effect<ReadonlyArray<Taken | Unsteady | Failure>>
}

/** So few are done at once: a thread takes longer to start. */
const FEW = 256
/** Files looked at before others may run. */
const BREATH_FILES = 4_000

export const makeMaildirReader = (root: string, store: MaildirStore): MaildirReader => {
  const thread: Thread<Request, Answer> = makeThread("sources/MaildirThread")

  const statsHere = Effect.fnUntraced(function*(paths: ReadonlyArray<string>) {
    const stats: Array<Stat | Failure> = []
    for (const some of Chunk.chunksOf(Chunk.unsafeFromArray(paths), BREATH_FILES)) {
      for (const path of some) stats.push(store.stat(path))
      yield* breathe
    }
    return stats
  })

  return {
    stats: Effect.fnUntraced(function*(paths) {
      if (paths.length <= FEW) return yield* statsHere(paths)
      const half = Math.floor(paths.length / 2)
      const there = thread.ask({ message: { kind: "stats", root, paths: paths.slice(half).join("\0") }, transfer: [] })
      const [first, second] = yield* Effect.zip(statsHere(paths.slice(0, half)), there, { concurrent: true })
      return [...first, ...statsIn(second)]
    }),
    take: (files, nowNs) =>
      files.length <= FEW
        ? Effect.sync(() => files.map(({ path, stat }) => store.take(path, stat, nowNs)))
        : Effect.map(Effect.suspend(() => thread.ask(takeRequest(root, files, nowNs))), (answer) =>
          takenIn(answer, files))
  }
}
