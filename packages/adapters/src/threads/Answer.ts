/** The other end of a `Thread`, in the thread; it stands alone, so that a thread loads nothing that it does not need. */
import { isMainThread, parentPort, type TransferListItem } from "node:worker_threads"
import type { Jobs, Parcel, Request } from "./Thread.ts"

type Work<Name extends keyof Jobs> = (input: Jobs[Name]["input"]) => Parcel<Jobs[Name]["output"]>

/** Answers each request, in order. What a job needs is loaded when it is first asked for. */
export const answer = (jobs: { readonly [Name in keyof Jobs]: () => Promise<Work<Name>> }): void => {
  if (isMainThread || parentPort === null) throw new Error("this module is the work of a thread")
  const port = parentPort
  let last = Promise.resolve()
  port.on("message", <Name extends keyof Jobs>({ input, job }: Request<Name>) => {
    // A rejection, which nobody handles here, ends the thread, and who waits for it is told.
    last = last.then(async () => {
      const work = await jobs[job]()
      const { message, transfer } = work(input)
      port.postMessage(message, transfer as ReadonlyArray<TransferListItem>)
    })
  })
}
