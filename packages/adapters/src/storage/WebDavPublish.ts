/**
 * How an object comes under its name: put to a name of chance beside, read back and compared, moved to where nothing
 * may be. Three requests; folders are made when a server misses them, and what an upload left is taken away again.
 */
import type { StorageError } from "@sealog/core/backup/Storage"
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import { randomBytes } from "node:crypto"
import { TEMPORARY_FOLDER } from "./ObjectPath.ts"
import type { DavClient } from "./WebDavClient.ts"
import type { HttpResponse } from "./WebDavHttp.ts"
import { answerError, davError, type Deed } from "./WebDavStatus.ts"
import { parentMissing, type Tree } from "./WebDavTree.ts"

export interface PublishOptions {
  readonly client: DavClient
  readonly root: URL
  readonly tree: Tree
}

/** How long taking away a failed upload may hold up the failure; what stays is removed after a day. */
const CLEAN_TIME = "5 seconds"

/** What rclone answers a move into a folder that is missing. */
const RCLONE_MISSING = 403

export const makePublish = ({ client, root, tree }: PublishOptions) => {
  const temporaryUrl = () => new URL(`${TEMPORARY_FOLDER}/${randomBytes(15).toString("hex")}`, root)

  const sendBody = (deed: Deed, url: URL, body: Uint8Array) =>
    client.send(deed, { method: "PUT", url, headers: { "content-type": "application/octet-stream" }, body })

  /** A server may have lost the folder for what is unfinished; one without its disk has lost everything. */
  const upload = Effect.fn("WebDav.upload")(function*(deed: Deed, url: URL, bytes: Uint8Array) {
    const first = yield* sendBody(deed, url, bytes)
    if (isDone(first)) return
    if (!parentMissing.has(first.status)) return yield* answerError(deed, first)
    yield* tree.requireRoot(deed, "filled")
    if (yield* tree.makeFolder(deed, TEMPORARY_FOLDER)) {
      const second = yield* sendBody(deed, url, bytes)
      return isDone(second) ? undefined : yield* answerError(deed, second)
    }
    return yield* explain(deed, first)
  })

  /** The folder is there, and no reason was given: where nothing at all still fits under a new name, it is the space. */
  const explain = Effect.fn("WebDav.explain")(function*(deed: Deed, refused: HttpResponse) {
    const url = temporaryUrl()
    const probe = yield* sendBody(deed, url, new Uint8Array(0))
    yield* discard(deed, url)
    if (isDone(probe)) return yield* davError(deed, "Full", `HTTP ${refused.status}`, "nothing but the empty fits")
    return yield* davError(deed, "Unreachable", `HTTP ${refused.status}`, "the server failed", true)
  })

  const readBack = Effect.fn("WebDav.readBack")(function*(deed: Deed, url: URL, bytes: Uint8Array) {
    const { body, status } = yield* client.send(deed, { method: "GET", url })
    if (status === 200 && Buffer.compare(body, bytes) === 0) return
    return yield* davError(deed, "Corrupt", `HTTP ${status}`, `read back ${body.length} of ${bytes.length} bytes`, true)
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
    if (second.status === 404) return yield* davError(deed, "Unreachable", "HTTP 404", "the upload is gone", true)
    return yield* answerError(deed, second)
  })

  const discard = (deed: Deed, url: URL): Effect.Effect<void> =>
    client.send(deed, { method: "DELETE", url }).pipe(
      Effect.timeout(CLEAN_TIME),
      Effect.catchAll((error) => Effect.logDebug("left a temporary file", error))
    )

  return (deed: Deed, bytes: Uint8Array): Effect.Effect<void, StorageError> => {
    const url = temporaryUrl()
    return upload(deed, url, bytes).pipe(
      Effect.zipRight(readBack(deed, url, bytes)),
      Effect.zipRight(rename(deed, url)),
      Effect.tapError(() => discard(deed, url))
    )
  }
}

const isDone = ({ status }: HttpResponse) => status === 200 || status === 201 || status === 204
