/**
 * Many files of a Maildir at once. A few are looked at and read here, and those that are known are only looked at: a
 * thread takes memory and a moment to start. Many new ones go to the working thread, so that reading goes on while what
 * was read is recorded, and half of the looking is done there while the other half is done here.
 */
import { Effect } from "effect"
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
  /** What is at each of these paths. Files that are new will be read too, so that the thread is there anyway. */
  readonly stats: (paths: ReadonlyArray<string>, areNew: boolean) => Effect.Effect<ReadonlyArray<Stat | Failure>>
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
/** Files looked at before others may run, and in one request: about ten milliseconds. */
const LOOK_FILES = 1_000

/** Of the contents of one batch, mostly, bytes. */
const MEMORY_BYTES = 3 * 1024 * 1024

export const makeMaildirReader = (root: string, store: MaildirStore): MaildirReader => {
  const memories = new Memories(MEMORY_BYTES)

  /** The main thread begins at the front and the working one at the back, until they meet: neither waits for long. */
  const stats = Effect.fnUntraced(function*(paths: ReadonlyArray<string>, areNew: boolean) {
    const found: Array<Stat | Failure> = Array.from({ length: paths.length })
    let [front, back] = [0, paths.length]
    const here = Effect.gen(function*() {
      while (front < back) {
        const to = Math.min(back, front + LOOK_FILES)
        for (; front < to; front++) found[front] = store.stat(paths[front]!)
        yield* breathe
      }
    })
    if (!areNew || paths.length <= FEW) return yield* Effect.as(here, found)
    const there = Effect.gen(function*() {
      while (front < back) {
        const to = back
        const from = back = Math.max(front, to - LOOK_FILES)
        const message = { root, paths: paths.slice(from, to).join("\0") }
        statsIn(yield* ask("stats", { message, transfer: [] })).forEach((stat, at) => (found[from + at] = stat))
      }
    })
    yield* Effect.zip(there, here, { concurrent: true })
    return found
  })

  return {
    stats,
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
