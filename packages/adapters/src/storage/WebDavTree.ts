/**
 * The folders of a vault at a WebDAV server: made on demand, listed one at a time, and told from a server whose disk is
 * away, which shows an empty folder or none.
 */
import { TEMPORARY_FOLDER } from "@sealog/core/backup/ObjectPath"
import type { StorageError } from "@sealog/core/backup/Storage"
import { Effect } from "effect"
import type { DavClient } from "./WebDavClient.ts"
import type { DavEntry } from "./WebDavListing.ts"
import { answerError, davError, type Deed } from "./WebDavStatus.ts"

export interface Tree {
  /** What a folder of the vault holds; one that was never made holds nothing. */
  readonly entries: (deed: Deed, folder: string) => Effect.Effect<ReadonlyArray<DavEntry>, StorageError>
  /** Makes a folder right inside the vault; whether it was missing. */
  readonly makeFolder: (deed: Deed, folder: string) => Effect.Effect<boolean, StorageError>
  /** Makes the vault's own folder and those above it. */
  readonly makeAll: (deed: Deed) => Effect.Effect<void, StorageError>
  /** Fails where the vault's folder is away, or is to hold something and does not. */
  readonly requireRoot: (deed: Deed, content: "any" | "filled") => Effect.Effect<void, StorageError>
  /** Removes temporary files that no put can still be writing. */
  readonly removeStale: (deed: Deed) => Effect.Effect<void>
}

/** A temporary file is a dead run's after this long, milliseconds by the server's clock: no put takes a day. */
const STALE_MILLIS = 24 * 60 * 60 * 1000
/** How long an opening may tidy up: whether the place is there is found out by who uses it. */
const TIDY_TIME = "10 seconds"

export const makeTree = (client: DavClient, root: URL): Tree => {
  const urlOf = (folder: string) => new URL(folder.split("/").map(encodeURIComponent).join("/"), root)

  const requireRoot = Effect.fn("WebDav.requireRoot")(function*(deed: Deed, content: "any" | "filled") {
    const found = yield* client.find(deed, root, content === "any" ? 0 : 1)
    if (found !== undefined && (content === "any" || found.entries.some(isInner))) return
    return yield* davError(deed, "Unreachable", "ENODEV", "the folder of the vault is not there", true)
  })

  const make = (deed: Deed, url: URL) => client.send(deed, { method: "MKCOL", url })
  // Servers answer all kinds of things to who makes what another is just making: Apache 403, rclone 423.
  const making = Effect.unsafeMakeSemaphore(1)

  const makeAll = (deed: Deed) =>
    Effect.gen(function*() {
      if ((yield* client.find(deed, root, 0)) !== undefined) return
      const missing = [root]
      for (let url = missing.pop(); url !== undefined; url = missing.pop()) {
        const answer = yield* make(deed, url)
        if (answer.status === 201 || answer.status === 405) continue
        const above = new URL("..", url)
        if (!parentMissing.has(answer.status) || missing.length > DEPTH || above.href === url.href) {
          return yield* answerError(deed, answer)
        }
        missing.push(url, above)
      }
    })

  return {
    requireRoot,
    makeAll,
    entries: Effect.fn("WebDav.entries")(function*(deed: Deed, folder: string) {
      const found = yield* client.find(deed, urlOf(folder), 1)
      const inner = found?.entries.filter(isInner) ?? []
      if (folder === "" && inner.length === 0) {
        return yield* davError(deed, "Unreachable", "ENODEV", "the folder of the vault holds nothing", true)
      }
      if (found === undefined) yield* requireRoot(deed, "filled")
      return inner
    }),
    makeFolder: Effect.fn("WebDav.makeFolder")(function*(deed: Deed, folder: string) {
      const url = urlOf(`${folder}/`)
      const answer = yield* make(deed, url)
      if (answer.status === 201) return true
      // There already: another put made it, or it was not what was missing.
      if (answer.status === 405 || (yield* client.find(deed, url, 0)) !== undefined) return false
      return yield* answerError(deed, answer)
    }, making.withPermits(1)),
    removeStale: Effect.fn("WebDav.removeStale")(function*(deed: Deed) {
      const url = urlOf(`${TEMPORARY_FOLDER}/`)
      yield* Effect.gen(function*() {
        const found = yield* client.find(deed, url, 1)
        if (found === undefined) return
        for (const { kind, modifiedMillis, name } of found.entries) {
          if (kind !== "file" || modifiedMillis === undefined) continue
          if (found.nowMillis - modifiedMillis <= STALE_MILLIS) continue
          yield* client.send(deed, { method: "DELETE", url: new URL(encodeURIComponent(name), url) })
        }
      }).pipe(
        Effect.timeout(TIDY_TIME),
        // Leftovers cost space and nothing else, and a place that is away or unfit says so when it is used.
        Effect.catchAll((error) => Effect.logDebug("left stale files", error))
      )
    })
  }
}

/** Folders above a vault that are made for it. */
const DEPTH = 32

/** What servers answer when the folder to put something into is missing. */
export const parentMissing: ReadonlySet<number> = new Set([404, 409, 500])

const isInner = ({ name }: DavEntry) => name !== ""
