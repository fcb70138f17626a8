/**
 * A thread of its own for work that would hold up everything else: started when there is something to do, ended when
 * there has been nothing for a while, so that an idle daemon is one thread. Requests are answered one after the other;
 * whoever asks may go on to ask before the answer is there.
 *
 * What runs in the thread is a module of this package that calls `answer` (`Answer`). Messages are plain data and typed
 * arrays, whose memory is handed over and not copied.
 */
import { Effect } from "effect"
import { createRequire } from "node:module"
import { clearTimeout, setTimeout } from "node:timers"
import { type TransferListItem, Worker } from "node:worker_threads"

/** A message and the memory that goes with it. */
export interface Parcel<A> {
  readonly message: A
  readonly transfer: ReadonlyArray<ArrayBuffer>
}

export interface Thread<Request, Response> {
  readonly ask: (request: Parcel<Request>) => Effect.Effect<Response>
}

/** A thread that has nothing to do is ended after this, milliseconds. */
const IDLE_MILLIS = 2_000

/**
 * A thread for a module, by its path in this package without extension. A thread that fails is a fault of this program:
 * whoever waits for an answer dies of it.
 */
export const makeThread = <Request, Response>(module: string): Thread<Request, Response> => {
  const running = new Running<Request, Response>(module)
  return {
    ask: (request) =>
      Effect.async((resume) => {
        running.ask(request, {
          done: (response) => resume(Effect.succeed(response)),
          failed: (cause) => resume(Effect.die(cause))
        })
      })
  }
}

interface Waiting<Response> {
  readonly done: (response: Response) => void
  readonly failed: (cause: unknown) => void
}

class Running<Request, Response> {
  private readonly module: string
  private worker: Worker | undefined
  private waiting: Array<Waiting<Response>> = []
  private idle: NodeJS.Timeout | undefined

  constructor(module: string) {
    this.module = module
  }

  ask({ message, transfer }: Parcel<Request>, waiting: Waiting<Response>): void {
    clearTimeout(this.idle)
    this.waiting.push(waiting)
    this.worker ??= this.start()
    this.worker.ref()
    this.worker.postMessage(message, transfer as ReadonlyArray<TransferListItem>)
  }

  private end(): void {
    const { worker } = this
    this.worker = undefined
    void worker?.terminate()
  }

  private start(): Worker {
    const worker = new Worker(pathOf(this.module))
    worker.on("message", (response: Response) => {
      this.waiting.shift()?.done(response)
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

/**
 * The compiled module: a thread starts from a file that Node itself can read, so from the package as it is installed,
 * also where this very code runs from source or from a bundle.
 */
const pathOf = (module: string): string => createRequire(import.meta.url).resolve(`@sealog/adapters/${module}`)
