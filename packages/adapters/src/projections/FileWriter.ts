/**
 * Writes many small new files on a thread of its own: making a mail's file takes the system about as long as opening
 * and proving the mail, and there are two cores (decision 0012). Files go over in a few blocks that come back when
 * they are written, so who is ahead waits, and memory stays flat. What could not be written is told by the next call,
 * at the latest by `settled`.
 */
import { ProjectionError } from "@sealog/core/restore/Projection"
import { Effect, Scope } from "effect"
import type { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { type MessagePort, Worker } from "node:worker_threads"
import { attempt, reasonOf } from "./RestoreFolder.ts"

/** A whole new file; its folder is there. */
export interface NewFile {
  readonly path: Buffer
  readonly bytes: Uint8Array
  /** Since 1970. */
  readonly mtimeSeconds: number
}

export interface FileWriter {
  /** Takes files over. They are on their way, and may yet fail. */
  readonly write: (files: ReadonlyArray<NewFile>) => Effect.Effect<void, ProjectionError>
  /** Waits until all of them are written. */
  readonly settled: Effect.Effect<void, ProjectionError>
}

/** Up to so many files are written at once: starting a thread takes as long. */
const FEW_FILES = 511
/** Of one block, bytes: a hundred mails or so. */
const BLOCK_BYTES = 512 * 1024
/** Blocks on their way, at most. */
const BLOCKS = 8

/** The thread starts when there is enough to do for it, and ends with the scope. */
export const makeFileWriter: Effect.Effect<FileWriter, never, Scope.Scope> = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const thread = yield* Effect.cached(Scope.extend(startThread, scope))
  let taken = 0
  return {
    write: Effect.fn("FileWriter.write")(function*(files) {
      taken += files.length
      if (taken > FEW_FILES) return yield* handOver(yield* thread, files)
      for (const file of files) yield* writeHere(file)
    }),
    settled: Effect.suspend(() =>
      taken > FEW_FILES ? Effect.flatMap(thread, (started) => started.free(BLOCKS)) : Effect.void
    )
  }
})

/** Writes a file that is not there yet, with its time. */
const writeNewFile = ({ closeSync, futimesSync, openSync, writeSync }: typeof fs, file: NewFile): void => {
  const { bytes, mtimeSeconds, path } = file
  const opened = openSync(path, "wx", 0o600)
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(opened, bytes, at)
    futimesSync(opened, mtimeSeconds, mtimeSeconds)
  } finally {
    closeSync(opened)
  }
}

const handOver = Effect.fn("FileWriter.handOver")(function*(thread: FileThread, files: ReadonlyArray<NewFile>) {
  for (let at = 0; at < files.length;) {
    yield* thread.free(1)
    at = thread.send(files, at)
    const next = files[at]
    if (next !== undefined && sizeOf(next) > BLOCK_BYTES) yield* writeHere(files[at++]!)
  }
})

const writeHere = (file: NewFile) => attempt("write", file.path.toString(), () => writeNewFile(fs, file))

/** Of a file in a block: lengths of path and bytes, u32, and the time, f64. */
const HEAD_BYTES = 16

const sizeOf = ({ bytes, path }: NewFile): number => HEAD_BYTES + path.length + bytes.length

/** A block that is to be written: its number, and how much of it. */
interface Filled {
  readonly block: number
  readonly used: number
}

/** One that can be filled again. */
interface Written {
  readonly block: number
  readonly failure?: { readonly code: string | undefined; readonly message: string; readonly path: string }
}

const startThread = Effect.acquireRelease(
  attempt("write", "thread", () => new FileThread()),
  (thread) => thread.end
)

/** The side of the thread that its user sees. One fiber at a time. */
class FileThread {
  private readonly blocks = Array.from({ length: BLOCKS }, () => new SharedArrayBuffer(BLOCK_BYTES))
  private readonly worker = new Worker(THREAD, { eval: true, env: {}, workerData: this.blocks })
  private readonly idle = this.blocks.map((_, block) => block)
  private failure: ProjectionError | undefined
  private look: () => void = () => {}

  constructor() {
    this.worker.on("message", ({ block, failure }: Written) => {
      this.idle.push(block)
      if (failure !== undefined) this.fail(failure.path, failure)
      this.look()
    })
    this.worker.on("error", (cause) => {
      this.fail("thread", cause)
      this.look()
    })
  }

  /** Waits until so many blocks are idle; says what went wrong with one that was written. */
  free(count: number): Effect.Effect<void, ProjectionError> {
    return Effect.async((resume) => {
      this.look = () => {
        if (this.failure !== undefined) resume(Effect.fail(this.failure))
        else if (this.idle.length >= count) resume(Effect.void)
      }
      this.look()
    })
  }

  /** Sends as many files as an idle block takes, and says where the rest begins. */
  send(files: ReadonlyArray<NewFile>, from: number): number {
    const block = this.idle.pop()!
    const all = new Uint8Array(this.blocks[block]!)
    const view = new DataView(this.blocks[block]!)
    let [at, used] = [from, 0]
    for (; at < files.length && used + sizeOf(files[at]!) <= BLOCK_BYTES; at++) {
      const { bytes, mtimeSeconds, path } = files[at]!
      view.setUint32(used, path.length)
      view.setUint32(used + 4, bytes.length)
      view.setFloat64(used + 8, mtimeSeconds)
      all.set(path, used + HEAD_BYTES)
      all.set(bytes, used + HEAD_BYTES + path.length)
      used += sizeOf(files[at]!)
    }
    this.worker.postMessage({ block, used } satisfies Filled)
    return at
  }

  /** A file that is being written is written to its end first. */
  get end(): Effect.Effect<void> {
    return Effect.promise(() => this.worker.terminate())
  }

  private fail(subject: string, cause: unknown): void {
    this.failure ??= new ProjectionError({ reason: reasonOf(cause), method: "write", subject, cause })
  }
}

/** What a thread is given: it is started from the text of its functions, which may name nothing else. */
interface Given {
  readonly system: typeof fs
  readonly port: MessagePort
  readonly blocks: ReadonlyArray<SharedArrayBuffer>
  readonly toPath: typeof Buffer.from
  readonly write: typeof writeNewFile
}

/** Writes what comes, in order, up to what cannot be written. */
const serve = ({ blocks, port, system, toPath, write }: Given): void => {
  let failed = false
  port.on("message", ({ block, used }: Filled) => {
    const shared = blocks[block]!
    const view = new DataView(shared)
    let failure: Written["failure"]
    for (let at = 0; at < used && !failed;) {
      const [pathLength, length] = [view.getUint32(at), view.getUint32(at + 4)]
      const path = toPath(shared, at + 16, pathLength)
      const bytes = new Uint8Array(shared, at + 16 + pathLength, length)
      try {
        write(system, { path, bytes, mtimeSeconds: view.getFloat64(at + 8) })
      } catch (cause) {
        const { code, message } = cause as NodeJS.ErrnoException
        failure = { code, message, path: path.toString() }
        failed = true
      }
      at += 16 + pathLength + length
    }
    port.postMessage({ block, ...(failure === undefined ? {} : { failure }) } satisfies Written)
  })
}

/** Text is the one form of a thread that is the same in the bundle, in a package as built, and in a test from source. */
const THREAD = `{
  const { parentPort: port, workerData: blocks } = require("node:worker_threads")
  const toPath = require("node:buffer").Buffer.from;
  (${serve})({ system: require("node:fs"), port, blocks, toPath, write: ${writeNewFile} })
}`
