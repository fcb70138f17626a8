/**
 * How an object comes under its name: put to a name of chance beside, read back and compared, moved to where nothing
 * may be. Three requests; folders are made when a server misses them, and what an upload left is taken away again.
 */
import type { StorageError } from "@sealog/core/backup/Storage"
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import { answerError, davError, type Deed } from "./WebDavStatus.ts"
import { parentMissing } from "./WebDavTree.ts"
import { isDone, makeUpload, type UploadOptions } from "./WebDavUpload.ts"

/** What rclone answers a move into a folder that is missing. */
const RCLONE_MISSING = 403

export const makePublish = ({ client, root, tree }: UploadOptions) => {
  const { discard, temporaryUrl, upload } = makeUpload({ client, root, tree })

  const readBack = Effect.fn("WebDav.readBack")(function*(deed: Deed, url: URL, bytes: Uint8Array) {
    const answer = yield* client.send(deed, { method: "GET", url })
    if (answer.status === 404) return yield* uploadGone(deed)
    if (answer.status !== 200) return yield* answerError(deed, answer)
    if (Buffer.compare(answer.body, bytes) === 0) return
    const said = `read back ${answer.body.length} of ${bytes.length} bytes`
    return yield* davError(deed, "Corrupt", "OTHERBYTES", said, true)
  })

  const move = (deed: Deed, from: URL) =>
    client.send(deed, {
      method: "MOVE",
      url: from,
      headers: { destination: new URL(deed.name, root).href, overwrite: "F" }
    })

  const rename = Effect.fn("WebDav.rename")(function*(deed: Deed, from: URL) {
    const first = yield* move(deed, from)
    if (isDone(first)) return
    const folder = deed.name.slice(0, Math.max(0, deed.name.indexOf("/")))
    const mayMiss = parentMissing.has(first.status) || first.status === RCLONE_MISSING
    if (!mayMiss || folder === "") return yield* answerError(deed, first)
    yield* tree.makeFolder(deed, folder)
    const second = yield* move(deed, from)
    if (isDone(second)) return
    // Not the folder then: what was put there is gone again.
    return yield* second.status === 404 ? uploadGone(deed) : answerError(deed, second)
  })

  return (deed: Deed, bytes: Uint8Array): Effect.Effect<void, StorageError> => {
    const url = temporaryUrl()
    return upload(deed, url, bytes).pipe(
      Effect.zipRight(readBack(deed, url, bytes)),
      Effect.zipRight(rename(deed, url)),
      Effect.tapError(() => discard(deed, url))
    )
  }
}

const uploadGone = (deed: Deed) => davError(deed, "Unreachable", "HTTP 404", "the upload is gone", true)
