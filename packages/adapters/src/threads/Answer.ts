/** The other end of a `Thread`, in the thread; it stands alone, so that a thread loads nothing that it does not need. */
import { isMainThread, parentPort, type TransferListItem } from "node:worker_threads"
import type { Parcel } from "./Thread.ts"

/** Answers each request, in order. */
export const answer = <Request, Response>(work: (request: Request) => Parcel<Response>): void => {
  if (isMainThread || parentPort === null) throw new Error("this module is the work of a thread")
  const port = parentPort
  port.on("message", (request: Request) => {
    const { message, transfer } = work(request)
    port.postMessage(message, transfer as ReadonlyArray<TransferListItem>)
  })
}
