/**
 * The other end of a `FileReader`, in its process: reads what it is asked for, however long that takes, and goes when
 * nobody asks any more.
 */
import { codeOf, readFrom } from "./DiskFiles.ts"
import type { ReadAnswer, ReadRequest } from "./FileReader.ts"

if (process.send === undefined) throw new Error("this module is the work of a process")

process.on("message", ({ limitBytes, path, range }: ReadRequest) => {
  readFrom(path, 0, range, limitBytes).then(
    (bytes): ReadAnswer => ({ bytes }),
    (error: unknown): ReadAnswer => ({ code: codeOf(error), message: String(error) })
  ).then((answer) => process.send?.(answer))
})

// An orderly end would wait for a read that hangs.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
