/**
 * Brings bytes to a name of chance beside the vault's objects, and takes away what an upload left: servers differ most
 * in what they say and leave when there is no folder or no space.
 */
import { TEMPORARY_FOLDER } from "@sealog/core/backup/ObjectPath"
import { Effect } from "effect"
import { randomBytes } from "node:crypto"
import type { DavClient } from "./WebDavClient.ts"
import type { HttpResponse } from "./WebDavHttp.ts"
import { answerError, davError, type Deed } from "./WebDavStatus.ts"
import { parentMissing, type Tree } from "./WebDavTree.ts"

export interface UploadOptions {
  readonly client: DavClient
  readonly root: URL
  readonly tree: Tree
}

/** What rclone answers a put that does not fit. */
const RCLONE_FULL = 405

/** How long taking away a failed upload may hold up the failure; what stays is removed after a day. */
const CLEAN_TIME = "5 seconds"

export const makeUpload = ({ client, root, tree }: UploadOptions) => {
  const temporaryUrl = () => new URL(`${TEMPORARY_FOLDER}/${randomBytes(15).toString("hex")}`, root)

  const sendBody = (deed: Deed, url: URL, body: Uint8Array) =>
    client.send(deed, { method: "PUT", url, headers: { "content-type": "application/octet-stream" }, body })

  /** A server may have lost the folder for what is unfinished; one without its disk has lost everything. */
  const upload = Effect.fn("WebDav.upload")(function*(deed: Deed, url: URL, bytes: Uint8Array) {
    const first = yield* sendBody(deed, url, bytes)
    if (isDone(first)) return
    if (first.status === RCLONE_FULL) return yield* explain(deed, url, first)
    if (!parentMissing.has(first.status)) return yield* answerError(deed, first)
    yield* tree.requireRoot(deed, "filled")
    if (yield* tree.makeFolder(deed, TEMPORARY_FOLDER)) {
      const second = yield* sendBody(deed, url, bytes)
      return isDone(second) ? undefined : yield* answerError(deed, second)
    }
    return yield* explain(deed, url, first)
  })

  /** The folder is there, and no reason was given: where nothing but the empty fits, it is the space. */
  const explain = Effect.fn("WebDav.explain")(function*(deed: Deed, url: URL, refused: HttpResponse) {
    yield* discardAll(deed, url)
    const probe = temporaryUrl()
    const empty = yield* sendBody(deed, probe, new Uint8Array(0))
    if (isDone(empty)) {
      yield* discard(deed, probe)
      return yield* davError(deed, "Full", `HTTP ${refused.status}`, "nothing but the empty fits")
    }
    if (refused.status < 500) return yield* answerError(deed, refused)
    return yield* davError(deed, "Unreachable", `HTTP ${refused.status}`, "the server failed", true)
  })

  /** What an upload left under its name, or under a longer one: nginx has a half copy there when the disk is full. */
  const discardAll = Effect.fn("WebDav.discardAll")(function*(deed: Deed, url: URL) {
    // First itself: rclone cannot list a folder with an upload that failed.
    yield* discard(deed, url)
    const folder = new URL(".", url)
    const name = url.href.slice(folder.href.length)
    const found = yield* client.find(deed, folder, 1).pipe(
      Effect.catchAll((error) => Effect.as(Effect.logDebug("left a temporary file", error), undefined))
    )
    const left = found?.entries.filter((entry) => entry.name.startsWith(name)) ?? []
    yield* Effect.forEach(left, (entry) => discard(deed, new URL(encodeURIComponent(entry.name), folder)))
  })

  const discard = (deed: Deed, url: URL): Effect.Effect<void> =>
    client.send(deed, { method: "DELETE", url }).pipe(
      Effect.timeout(CLEAN_TIME),
      Effect.catchAll((error) => Effect.logDebug("left a temporary file", error))
    )

  return { temporaryUrl, upload, discard }
}

export const isDone = ({ status }: HttpResponse) => status === 200 || status === 201 || status === 204
