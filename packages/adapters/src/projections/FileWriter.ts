/**
 * Writes many small new files in the working thread: making a mail's file takes the system about as long as opening
 * and proving the mail, and there are two cores (decision 0012). Files go over in a few memories that come back when
 * they are written, so who is ahead waits. What could not be written is told by the next call, at the latest by
 * `settled`.
 */
import { ProjectionError } from "@sealog/core/restore/Projection"
import { Effect, Exit, type Scope } from "effect"
import { ask } from "../threads/Thread.ts"
import { type NewFile, packFiles, sizeOf, writeNewFile } from "./FileJob.ts"
import { attempt, reasonOf } from "./RestoreFolder.ts"

export interface FileWriter {
  /** Takes files over. They are on their way, and may yet fail. */
  readonly write: (files: ReadonlyArray<NewFile>) => Effect.Effect<void, ProjectionError>
  /** Waits until all of them are written. */
  readonly settled: Effect.Effect<void, ProjectionError>
}

/** Up to so many files are written at once: to start a thread takes as long. */
const FEW_FILES = 511
/** Of one memory, bytes: a hundred mails or more. */
const MEMORY_BYTES = 512 * 1024
/** On their way at most: the next segment is opened while the mails of one are written. */
const MEMORIES = 12

/** Nothing is written any more once the scope is closed. */
export const makeFileWriter: Effect.Effect<FileWriter, never, Scope.Scope> = Effect.gen(function*() {
  const room = yield* Effect.makeSemaphore(MEMORIES)
  const idle: Array<SharedArrayBuffer> = []
  let failure: ProjectionError | undefined
  let taken = 0
  yield* Effect.addFinalizer(() => room.take(MEMORIES))

  const check = Effect.suspend(() => failure === undefined ? Effect.void : Effect.fail(failure))
  const writeHere = (file: NewFile) => attempt("write", file.path.toString(), () => writeNewFile(file))

  /** Has one memory written, and meanwhile lets its user go on. */
  const send = (memory: SharedArrayBuffer, used: number) =>
    Effect.forkDaemon(
      ask("files", { message: { memory, used }, transfer: [] }).pipe(
        Effect.exit,
        Effect.tap((exit) =>
          Effect.sync(() => {
            idle.push(memory)
            const wrong = Exit.isFailure(exit) ? { path: "", cause: exit.cause } : exit.value.failure
            if (wrong === undefined) return
            failure ??= new ProjectionError({
              reason: reasonOf(wrong),
              method: "write",
              subject: wrong.path,
              cause: wrong
            })
          })
        ),
        Effect.ensuring(room.release(1))
      )
    )

  const handOver = Effect.fn("FileWriter.handOver")(function*(files: ReadonlyArray<NewFile>) {
    for (let at = 0; at < files.length;) {
      if (sizeOf(files[at]!) > MEMORY_BYTES) {
        yield* writeHere(files[at++]!)
        continue
      }
      yield* Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(restore(room.take(1)), () => {
          const memory = idle.pop() ?? new SharedArrayBuffer(MEMORY_BYTES)
          const { next, used } = packFiles(memory, files, at)
          at = next
          return send(memory, used)
        })
      )
      yield* check
    }
  })

  return {
    write: Effect.fn("FileWriter.write")(function*(files) {
      taken += files.length
      if (taken > FEW_FILES) yield* handOver(files)
      else for (const file of files) yield* writeHere(file)
    }),
    settled: Effect.zipRight(room.withPermits(MEMORIES)(Effect.void), check)
  }
})
