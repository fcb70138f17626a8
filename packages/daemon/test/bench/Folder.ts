/** Folders to work in, on the disk that is measured. */
import { Effect } from "effect"
import * as fs from "node:fs"

/** An empty folder at this path, removed when the scope closes. */
export const freshFolder = (path: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      fs.rmSync(path, { recursive: true, force: true })
      fs.mkdirSync(path, { recursive: true })
      return path
    }),
    () => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  )
