/**
 * A thread for work that would hold up everything else: started when there is something to do, ended when there has
 * been nothing for a while, so that an idle daemon is one thread. Requests are answered one after the other; whoever
 * asks may go on to ask before the answer is there.
 *
 * What the thread does stands in `Work`. Messages are plain data, typed arrays whose memory is handed over, and shared
 * memory: nothing large is copied.
 */
import { Effect } from "effect"
import { clearTimeout, setTimeout } from "node:timers"
import { type TransferListItem, Worker } from "node:worker_threads"
import type { FilesAnswer, FilesRequest } from "../projections/FileJob.ts"
import type { ScanAnswer, ScanRequest } from "../sources/database/ScanJob.ts"
import type { StatsAnswer, StatsRequest, TakeAnswer, TakeRequest } from "../sources/MaildirParcels.ts"
import { compiledPath } from "./Compiled.ts"
import type { Frames, Inputs } from "./CompressJob.ts"

/** A message and the memory that is handed over with it. */
export interface Parcel<A> {
  readonly message: A
  readonly transfer: ReadonlyArray<ArrayBuffer>
}

/** What can be asked of the thread. */
export interface Jobs {
  readonly compress: { readonly input: Inputs; readonly output: Frames }
  readonly files: { readonly input: FilesRequest; readonly output: FilesAnswer }
  readonly scan: { readonly input: ScanRequest; readonly output: ScanAnswer }
  readonly stats: { readonly input: StatsRequest; readonly output: StatsAnswer }
  readonly take: { readonly input: TakeRequest; readonly output: TakeAnswer }
}

export interface Request<Name extends keyof Jobs> {
  readonly job: Name
  readonly input: Jobs[Name]["input"]
}

/** A thread that has nothing to do is ended after this, milliseconds. */
const IDLE_MILLIS = 2_000
/** What lives for a moment only, MiB: more would be as much again that the process holds. */
const YOUNG_MIB = 16

/**
 * Has a job done by the thread. A thread that fails is a fault of this program: whoever waits for an answer dies of it.
 */
export const ask = <Name extends keyof Jobs>(
  job: Name,
  { message, transfer }: Parcel<Jobs[Name]["input"]>
): Effect.Effect<Jobs[Name]["output"]> =>
  Effect.async((resume) => {
    thread.ask({ job, input: message }, transfer, {
      done: (output) => resume(Effect.succeed(output as Jobs[Name]["output"])),
      failed: (cause) => resume(Effect.die(cause))
    })
  })

interface Waiting {
  readonly done: (output: unknown) => void
  readonly failed: (cause: unknown) => void
}

class Thread {
  private worker: Worker | undefined
  private waiting: Array<Waiting> = []
  private idle: NodeJS.Timeout | undefined

  ask(request: Request<keyof Jobs>, transfer: ReadonlyArray<ArrayBuffer>, waiting: Waiting): void {
    clearTimeout(this.idle)
    this.waiting.push(waiting)
    this.worker ??= this.start()
    this.worker.ref()
    this.worker.postMessage(request, transfer as ReadonlyArray<TransferListItem>)
  }

  private end(): void {
    const { worker } = this
    this.worker = undefined
    void worker?.terminate()
  }

  private start(): Worker {
    // Without this process's options, some of which say where modules are found.
    const worker = new Worker(compiledPath("threads/Work"), {
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB }
    })
    worker.on("message", (output: unknown) => {
      this.waiting.shift()?.done(output)
      if (this.waiting.length > 0) return
      worker.unref()
      this.idle = setTimeout(() => this.end(), IDLE_MILLIS).unref()
    })
    worker.on("error", (cause) => {
      if (this.worker === worker) this.worker = undefined
      for (const { failed } of this.waiting.splice(0)) failed(cause)
    })
    return worker
  }
}

const thread = new Thread()
