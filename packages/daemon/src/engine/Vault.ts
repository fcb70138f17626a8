/**
 * Restores and checks vaults at the places they lie, with nothing but a key: what a new machine does. Heads pinned in
 * this machine's home, where there is one for this vault, are held against them.
 */
import {
  type FolderProjection,
  type Mark,
  openRestoreFolder,
  type RestoreFolder
} from "@sealog/adapters/projections/RestoreFolder"
import { openVault, VaultError, vaultIdOf } from "@sealog/core/backup/Vault"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { parseFingerprint } from "@sealog/core/log/Fingerprint"
import type { Since } from "@sealog/core/restore/Collect"
import { type FetchShape, makeFetch, type Place } from "@sealog/core/restore/Fetch"
import { restore as restoreVault, type RestoreReport } from "@sealog/core/restore/Restore"
import { Clock, Deferred, Effect, Fiber, Option } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { EngineFailure, type RestoreOptions } from "../Engine.ts"
import { Progress } from "../Progress.ts"
import * as Reports from "../Reports.ts"
import type { Spec } from "../Spec.ts"
import { findingOf, unreadOf } from "./Findings.ts"
import { pinnedHeads } from "./Pins.ts"
import { openTarget } from "./Places.ts"
import { askSecret } from "./Session.ts"

/** Opens a vault with the keys of the first place that has them, and lists all that answer. */
const openPlaces = Effect.fn("Vault.openPlaces")(function*(specs: ReadonlyArray<Spec>) {
  const { answering, silent } = yield* answeringOf(
    yield* Effect.forEach(
      specs,
      (spec) => Effect.map(openTarget(spec), (storage): Place => ({ name: spec.spec, storage }))
    )
  )
  const [first, ...rest] = answering
  if (first === undefined) {
    return yield* new VaultError({ reason: "NotFound", method: "open", subject: "no place was named" })
  }
  const { openedWith, secret } = yield* askSecret()
  const open = ({ name, storage }: Place) => openVault({ storage, subject: name, secret })
  // The slots of one place may be damaged or replaced; each has all of them.
  const { ring } = yield* rest.reduce(
    (before, place) => Effect.catchAll(before, (error) => Effect.mapError(open(place), () => error)),
    open(first)
  )
  const fetch = yield* makeFetch([first, ...rest], ring)
  return { openedWith, ring, fetch, silent: [...silent, ...fetch.away.map(({ place }) => place)] }
})

/** Once a place has answered, others have this long. */
const PATIENCE = "15 seconds"

/** The places at which a vault is, in the order given, and those that do not answer; fails where none is. */
const answeringOf = Effect.fn("Vault.answeringOf")(function*(places: ReadonlyArray<Place>) {
  const [only, ...others] = places
  if (only === undefined || others.length === 0) return { answering: places, silent: [] }
  const heard = yield* Deferred.make<void>()
  const found = new Set<Place>()
  const ask = Effect.fnUntraced(function*(place: Place) {
    yield* vaultIdOf(place.storage, place.name)
    found.add(place)
    yield* Deferred.succeed(heard, undefined)
  })
  const asked = yield* Effect.forEach(places, (place) => Effect.forkScoped(Effect.either(ask(place))))
  const all = Effect.forEach(asked, (each) => Fiber.join(each))
  yield* Effect.raceFirst(Deferred.await(heard), all)
  if (found.size === 0) yield* Effect.flatten(Fiber.join(asked[0]!))
  yield* Effect.timeoutOption(all, PATIENCE)
  return {
    answering: places.filter((place) => found.has(place)),
    silent: places.filter((place) => !found.has(place)).map(({ name }) => name)
  }
})

export const restore = Effect.fn("Engine.restore")(function*(options: RestoreOptions) {
  const began = yield* Clock.currentTimeMillis
  const fingerprint = yield* fingerprintFrom(options.expectFingerprint)
  const { fetch, ring, silent } = yield* openPlaces(options.from)
  // A place that does not answer vouches for nothing: the others are judged by what is known of them.
  const pinned = yield* pinnedHeads(ring, options.from.filter(({ spec }) => !silent.includes(spec)))
  const folder = yield* openRestoreFolder({
    dir: options.to,
    format: formOf(options),
    vaultId: hex(ring.vaultId),
    force: options.force
  })
  const projection = yield* watched(yield* projectionFor(options, folder))
  const done = yield* restoreVault({
    fetch,
    projection,
    since: sinceOf(folder),
    pinned,
    partial: options.partial,
    ...(fingerprint === undefined ? {} : { fingerprint })
  })
  const messages = done.messages +
    Option.match(folder.mark, { onNone: () => 0, onSome: (mark) => markedMessages(mark, options) })
  yield* folder.writeMark(markOf(options, ring, done, messages, projection.writtenFiles()))
  const ended = yield* Clock.currentTimeMillis
  return reportOf({ fetch, silent }, done, messages, (ended - began) / 1_000)
}, Effect.scoped)

/** Only forms that count what they add; a form that writes one file whole counts it whole. */
const markedMessages = (mark: Mark, { format }: RestoreOptions): number => format === "maildir" ? mark.messages : 0

/** The same, telling how far it has come. */
const watched = Effect.fn("Vault.watched")(function*(projection: FolderProjection) {
  const progress = yield* Progress
  let done = 0
  const messages: FolderProjection["messages"] = (batch) =>
    Effect.tap(projection.messages(batch), () => {
      done += batch.length
      return progress.report({ stage: "restoring", done, unit: "messages" })
    })
  return { ...projection, messages, finish: Effect.zipLeft(projection.finish, progress.clear) }
})

/** A folder that was restored without attachments lacks those of old messages: it is not gone on from with them. */
const formOf = ({ format, withAttachments }: RestoreOptions): string =>
  withAttachments ? `${format}, with attachments` : format

const projectionFor = Effect.fn("Vault.projectionFor")(function*(options: RestoreOptions, folder: RestoreFolder) {
  const { format, withAttachments } = options
  switch (format) {
    case "jsonl": {
      const { makeJsonLinesProjection } = yield* Effect.promise(() => import("@sealog/adapters/projections/JsonLines"))
      return makeJsonLinesProjection(folder, { attachments: withAttachments })
    }
    case "maildir": {
      const { makeMaildirProjection } = yield* Effect.promise(() => import("@sealog/adapters/projections/Maildir"))
      return yield* makeMaildirProjection(folder)
    }
    default:
      return yield* new EngineFailure({ reason: "UnknownFormat", method: "restore", subject: format })
  }
})

const fingerprintFrom = Effect.fn("Vault.fingerprintFrom")(function*(text: string | undefined) {
  if (text === undefined) return undefined
  const fingerprint = parseFingerprint(text)
  return fingerprint ??
    (yield* new EngineFailure({ reason: "RolledBack", method: "restore", subject: text, detail: "not a fingerprint" }))
})

const sinceOf = (folder: RestoreFolder): Since =>
  new Map(
    Option.match(folder.mark, {
      onNone: () => [],
      onSome: ({ heads }) =>
        heads.map(({ peaks, root, size, writer }) =>
          [writer, { size, root: bytes(root), peaks: peaks.map(bytes) }] as const
        )
    })
  )

/** How far this restore goes. A log that was not proven has no place in it: the next restore reads it from its start. */
const markOf = (
  options: RestoreOptions,
  ring: KeyRingShape,
  done: RestoreReport,
  messages: number,
  files: Mark["files"]
): Mark => ({
  schema: "sealog.restore-mark/1",
  format: formOf(options),
  vaultId: hex(ring.vaultId),
  messages,
  ...(done.unread.length > 0 || done.logs.some(({ proven }) => !proven) ? { partial: true } : {}),
  files,
  heads: done.logs.flatMap(({ head, proven, writer }) =>
    proven && head.peaks !== undefined
      ? [{ writer: hex(writer), size: head.size, root: hex(head.root), peaks: head.peaks.map(hex) }]
      : []
  )
})

const reportOf = (
  { fetch, silent }: { readonly fetch: FetchShape; readonly silent: ReadonlyArray<string> },
  done: RestoreReport,
  messages: number,
  seconds: number
): Reports.RestoreReport => {
  const { bytes: bytesRead, objects: objectsRead } = fetch.counts()
  return Reports.RestoreReport.make({
    ...treeOf(done.logs),
    writers: done.logs.length,
    messages,
    written: done.written,
    removed: done.removed,
    ...(done.attachments === undefined ? {} : { attachments: done.attachments }),
    objectsRead,
    bytesRead,
    gaps: [...done.findings.map((finding) => findingOf(finding)), ...done.unread.map((each) => unreadOf(each))],
    freshness: {
      ...done.freshness,
      newestEventAt: done.newestAt === undefined ? null : Reports.time(done.newestAt)
    },
    warnings: [
      ...silent.map((place) => ({
        reason: "PlaceAway",
        message: `${place} did not answer, or holds no vault, and was left out`,
        hint: "what the other places have was restored; if something is missing, connect it and restore again"
      })),
      ...fetch.lagging.map(({ events, place }) => ({
        reason: "TargetBehind",
        message: `${place} lacks ${events === 1 ? "an event" : `${events} events`} that another place has`,
        hint: "it lags behind, or was put back to an older state; what the others have was restored"
      }))
    ],
    seconds
  })
}

/** The size and root of one log; of several, the sum of their sizes and a hash of their heads in order of writers. */
export const treeOf = (
  logs: ReadonlyArray<
    { readonly writer: Uint8Array; readonly head: { readonly size: number; readonly root: Uint8Array } }
  >
) => {
  const [only, ...others] = logs
  if (only !== undefined && others.length === 0) return { treeSize: only.head.size, root: hex(only.head.root) }
  const hash = createHash("sha256")
  for (const { head, writer } of logs) hash.update(writer).update(String(head.size)).update(head.root)
  return { treeSize: logs.reduce((sum, { head }) => sum + head.size, 0), root: hash.digest("hex") }
}

const hex = (value: Uint8Array): string => Buffer.from(value).toString("hex")
const bytes = (text: string): Uint8Array => Buffer.from(text, "hex")
