/**
 * Many files of a Maildir at once. A few are looked at and read here; many go to the working thread, so that reading
 * goes on while what was read is recorded, and half of the looking is done there while the other half is done here.
 */
import { Chunk, Effect } from "effect"
import { Memories } from "../threads/Memories.ts"
import { ask } from "../threads/Thread.ts"
import { breathe } from "./Breath.ts"
import { roomFor, statsIn, takenIn, takeRequest } from "./MaildirParcels.ts"
import type { Failure, MaildirStore, Stat, Taken, Unsteady } from "./MaildirStore.ts"

export interface File {
  readonly path: string
  readonly stat: Stat
}

export interface MaildirReader {
  /** What is at each of these paths. */
  readonly stats: (paths: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Stat | Failure>>
  /** Reads and hashes regular files, as `MaildirStore.take` does one. */
  readonly take: (files: ReadonlyArray<File>, nowNs?: bigint) => Effect.Effect<TakenFiles>
}

export interface TakenFiles {
  readonly results: ReadonlyArray<Taken | Unsteady | Failure>
  /** Gives back the memory that contents lie in. */
  readonly release: () => void
}

/** So few are done at once: a thread takes longer to start. */
const FEW = 256
/** Files looked at before others may run. */
const BREATH_FILES = 4_000

/** Of the contents of one batch, mostly, bytes. */
const MEMORY_BYTES = 5 * 1024 * 1024

export const makeMaildirReader = (root: string, store: MaildirStore): MaildirReader => {
  const memories = new Memories(MEMORY_BYTES)

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
      const there = ask("stats", { message: { root, paths: paths.slice(half).join("\0") }, transfer: [] })
      const [second, first] = yield* Effect.zip(there, statsHere(paths.slice(0, half)), { concurrent: true })
      return [...first, ...statsIn(second)]
    }),
    take: Effect.fnUntraced(function*(files, nowNs) {
      if (files.length <= FEW) {
        return { results: files.map(({ path, stat }) => store.take(path, stat, nowNs)), release: () => {} }
      }
      const memory = memories.take(roomFor(files))
      const answer = yield* ask("take", takeRequest(root, files, { memory, nowNs }))
      return { results: takenIn(answer, files, memory), release: () => memories.giveBack(memory) }
    })
  }
}
