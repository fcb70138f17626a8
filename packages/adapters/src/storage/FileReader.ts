/**
 * Reads files whose bytes may have to come from somewhere else first, in processes of their own and each with a
 * deadline. Four reads that hang would hold every thread of Node's pool, and with them the journal: a process that
 * hangs is killed, and what it was asked for has failed.
 */
import { type ChildProcess, fork } from "node:child_process"
import { clearTimeout, setTimeout } from "node:timers"
import { compiledPath } from "../threads/Compiled.ts"
import { type ReadRange, systemError } from "./DiskFiles.ts"

/** What a process is asked, one thing at a time. */
export interface ReadRequest {
  readonly path: string
  readonly range?: ReadRange
  readonly limitBytes: number
}

/** The bytes, or the system's word for why there are none. */
export type ReadAnswer = { readonly bytes: Uint8Array } | { readonly code: string; readonly message: string }

/** Processes at most: others wait while so many hang. */
const PROCESSES = 3
/** A process that has nothing to do is ended after this, milliseconds. */
const IDLE_MILLIS = 2_000

interface Job {
  readonly request: ReadRequest
  readonly deadlineMillis: number
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: Error) => void
}

export class FileReader {
  private readonly waiting: Array<Job> = []
  private readonly idle: Array<Reader> = []
  private running = 0

  /** The file, or a range of it. The deadline runs from when a process is there to read it, milliseconds. */
  read(request: ReadRequest, deadlineMillis: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, deadlineMillis, resolve, reject })
      this.next()
    })
  }

  private next(): void {
    const job = this.waiting[0]
    if (job === undefined) return
    const reader = this.idle.pop() ?? (this.running < PROCESSES ? this.start() : undefined)
    if (reader === undefined) return
    this.waiting.shift()
    reader.take(job)
  }

  private start(): Reader {
    this.running++
    return new Reader({
      free: (reader) => {
        this.idle.push(reader)
        this.next()
      },
      ended: (reader) => {
        this.running--
        const at = this.idle.indexOf(reader)
        if (at >= 0) this.idle.splice(at, 1)
        this.next()
      }
    })
  }
}

interface Owner {
  readonly free: (reader: Reader) => void
  readonly ended: (reader: Reader) => void
}

/** One process. */
class Reader {
  private readonly child: ChildProcess
  private readonly owner: Owner
  private job: Job | undefined
  private timer: NodeJS.Timeout | undefined
  private isOver = false

  constructor(owner: Owner) {
    this.owner = owner
    this.child = fork(compiledPath("storage/FileReading"), [], {
      // Without this process's options, some of which say where modules are found.
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"]
    })
    this.child.on("message", (answer: ReadAnswer) => {
      this.settle((job) => {
        if ("bytes" in answer) job.resolve(answer.bytes)
        else job.reject(Object.assign(new Error(answer.message), { code: answer.code }))
      })
      if (this.isOver) return
      this.rest()
      owner.free(this)
    })
    this.child.on("error", (error) => this.end(Object.assign(error, { code: "EIO" })))
    this.child.on("exit", () => this.end(systemError("EIO", "the process that reads files ended")))
    this.rest()
  }

  take(job: Job): void {
    this.job = job
    this.child.ref()
    this.child.channel?.ref()
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.end(systemError("ETIMEDOUT", job.request.path)), job.deadlineMillis)
    // What is said to a process that has just died fails with its end.
    this.child.send(job.request, () => {})
  }

  private settle(how: (job: Job) => void): void {
    clearTimeout(this.timer)
    const { job } = this
    this.job = undefined
    if (job !== undefined) how(job)
  }

  /** Idle, it keeps no program alive, and not itself for long. */
  private rest(): void {
    this.child.unref()
    this.child.channel?.unref()
    this.timer = setTimeout(() => this.end(systemError("EIO", "idle")), IDLE_MILLIS).unref()
  }

  /** Once: nobody waits for a process to die, which one that hangs in the system may do late. */
  private end(error: Error): void {
    if (this.isOver) return
    this.isOver = true
    this.settle((job) => job.reject(error))
    this.child.unref()
    this.child.channel?.unref()
    this.child.kill("SIGKILL")
    this.owner.ended(this)
  }
}
