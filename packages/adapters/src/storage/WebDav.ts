/**
 * A vault in a folder of a WebDAV server. No server keeps every promise of the standard, so nothing is believed that
 * can be looked at: an object goes to a name of chance beside, is read back and compared, and only then moved to its
 * own name, where nothing may be. docs/targets/webdav.md says what each server does with that.
 */
import { isPrefix, parseObjectName, TEMPORARY_FOLDER } from "@sealog/core/backup/ObjectPath"
import type { ByteRange, Capabilities, ObjectInfo, StorageShape } from "@sealog/core/backup/Storage"
import { StorageError } from "@sealog/core/backup/Storage"
import { OBJECT_BYTES } from "@sealog/core/format/Limits"
import { Chunk, Effect, Option, Stream } from "effect"
import { type DavClient, makeClient, type WebDavAccess } from "./WebDavClient.ts"
import type { HttpResponse } from "./WebDavHttp.ts"
import { makePublish } from "./WebDavPublish.ts"
import { answerError, davError, type Deed } from "./WebDavStatus.ts"
import { makeTree, type Tree } from "./WebDavTree.ts"

export interface WebDavOptions {
  /** The folder of the vault: http or https, without a user, a query or a fragment. */
  readonly url: string
  /** Found out when the place is first used, and again until it could be. */
  readonly access?: Effect.Effect<WebDavAccess, StorageError>
  /** How long nothing may happen on a connection, milliseconds. */
  readonly idleMillis?: number
}

/** Longer than a server takes to write out an object, shorter than anybody waits for a dead one. */
const IDLE_MILLIS = 60_000
/** Folders inside folders that a listing still enters: a vault has one level, strangers' files may have more. */
const LIST_DEPTH = 4

/** Makes the folder of a new vault, with what tells it from a server without its disk. Idempotent. */
export const prepareWebDav = Effect.fn("WebDav.prepare")(function*(options: WebDavOptions) {
  const { root, tree } = open(options)
  const deed = { root: root.href, method: "prepare", name: "" }
  yield* tree.makeAll(deed)
  yield* tree.makeFolder(deed, TEMPORARY_FOLDER)
})

/** Removes the folders that hold nothing and whose names begin so. */
export const sweepWebDav = Effect.fn("WebDav.sweep")(function*(options: WebDavOptions, prefix: string) {
  const { client, root, tree } = open(options)
  const deed = { root: root.href, method: "sweep", name: "" }
  for (const { kind, name } of yield* tree.entries(deed, "")) {
    if (kind !== "folder" || !name.startsWith(prefix)) continue
    if ((yield* tree.entries(deed, `${name}/`)).length > 0) continue
    yield* client.send(deed, { method: "DELETE", url: new URL(`${encodeURIComponent(name)}/`, root) })
  }
})

/** The vault in a folder, which need not be reachable yet. Before the first put, what dead runs left is removed. */
export const makeWebDav = Effect.fn("WebDav.make")(function*(options: WebDavOptions) {
  const { client, root, tree } = open(options)
  const sweep = yield* Effect.once(tree.removeStale({ root: root.href, method: "open", name: "" }))
  const publish = makePublish({ client, root, tree })
  const deedOf = (method: string, name: string): Deed => ({ root: root.href, method, name })

  const put = Effect.fn("WebDav.put")(function*(name: string, bytes: Uint8Array) {
    yield* parseObjectName("put", name)
    if (bytes.length > OBJECT_BYTES) return yield* unsupported("put", name)
    yield* sweep
    yield* publish(deedOf("put", name), bytes)
  })

  const get = Effect.fn("WebDav.get")(function*(name: string, range?: ByteRange) {
    yield* parseObjectName("get", name)
    if (range !== undefined && !isRange(range)) return yield* unsupported("get", name)
    const deed = deedOf("get", name)
    const headers = range === undefined ? {} : { range: rangeHeader(range) }
    const answer = yield* client.send(deed, { method: "GET", url: new URL(name, root), headers })
    if (answer.status === 404) yield* tree.requireRoot(deed, "any")
    return yield* range === undefined ? whole(deed, answer) : part(deed, answer, range)
  })

  const remove = Effect.fn("WebDav.delete")(function*(name: string) {
    yield* parseObjectName("delete", name)
    const deed = deedOf("delete", name)
    const answer = yield* client.send(deed, { method: "DELETE", url: new URL(name, root) })
    if (answer.status === 404) return yield* tree.requireRoot(deed, "any")
    if (!(answer.status === 200 || answer.status === 202 || answer.status === 204)) {
      return yield* answerError(deed, answer)
    }
  })

  return {
    kind: "webdav",
    capabilities,
    put,
    get,
    list: (prefix) => listing(deedOf("list", prefix), tree, prefix),
    delete: remove
  } satisfies StorageShape
})

export const capabilities: Capabilities = {
  // Apache lets two or three of ten racing moves win, now and then: names belong to one writer all the same.
  atomicCreate: false,
  rangeReads: true,
  strongList: true,
  durability: "stored",
  deletes: true,
  objectLock: false,
  maxObjectBytes: OBJECT_BYTES
}

const open = ({ access = Effect.succeed({}), idleMillis = IDLE_MILLIS, url }: WebDavOptions): {
  readonly client: DavClient
  readonly root: URL
  readonly tree: Tree
} => {
  const root = new URL(url.endsWith("/") ? url : `${url}/`)
  const client = makeClient({ access, idleMillis })
  return { client, root, tree: makeTree(client, root) }
}

/** One folder after another, of which only those on the way to the prefix, or behind it, can hold a name of it. */
const listing = (deed: Deed, tree: Tree, prefix: string): Stream.Stream<ObjectInfo, StorageError> => {
  if (!isPrefix(prefix)) return Stream.fail(unsupported("list", prefix))
  const start = prefix.slice(0, prefix.lastIndexOf("/") + 1)
  return Stream.paginateChunkEffect([{ folder: start, depth: 0 }], (pending) =>
    Effect.gen(function*() {
      const next = pending[0]
      if (next === undefined) return [Chunk.empty<ObjectInfo>(), Option.none()]
      const entries = yield* tree.entries(deed, next.folder)
      const inner: Array<{ folder: string; depth: number }> = []
      const infos: Array<ObjectInfo> = []
      for (const { kind, name: base, size } of entries) {
        const name = next.folder + base
        if (name === TEMPORARY_FOLDER) continue
        if (kind === "folder") {
          if (next.depth < LIST_DEPTH && overlap(`${name}/`, prefix)) {
            inner.push({ folder: `${name}/`, depth: next.depth + 1 })
          }
        } else if (name.startsWith(prefix)) {
          if (size === undefined) return yield* davError(deed, "Unsupported", "NOSIZE", `no size of ${name}`)
          infos.push({ name, size })
        }
      }
      return [Chunk.unsafeFromArray(infos), Option.some([...pending.slice(1), ...inner])]
    }))
}

const overlap = (a: string, b: string) => a.startsWith(b) || b.startsWith(a)

const whole = (deed: Deed, answer: HttpResponse) =>
  answer.status === 200 ? Effect.succeed(answer.body) : answerError(deed, answer)

/** Nothing can be asked for by no range; one byte then says whether the object is there. */
const rangeHeader = ({ length, offset }: ByteRange) => `bytes=${offset}-${offset + Math.max(1, length) - 1}`

const part = Effect.fn("WebDav.part")(function*(deed: Deed, answer: HttpResponse, { length, offset }: ByteRange) {
  const { body, headers, status } = answer
  // A range that begins at the end or beyond it; and of an empty object there is none.
  if (status === 416) return new Uint8Array(0)
  // A server that knows no ranges sends everything.
  if (status === 200) return body.slice(offset, offset + length)
  if (status !== 206) return yield* answerError(deed, answer)
  const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(headers["content-range"] ?? "") ?? []
  if (Number(first) !== offset || Number(last) - offset + 1 !== body.length || body.length > Math.max(1, length)) {
    return yield* davError(deed, "Corrupt", "BADRANGE", `not the range asked for: ${headers["content-range"]}`)
  }
  return length === 0 ? new Uint8Array(0) : body
})

const isRange = ({ length, offset }: ByteRange) =>
  Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0

const unsupported = (method: string, subject: string) =>
  new StorageError({ reason: "Unsupported", method, subject, retryable: false })
