/**
 * Content that is too long for an event: cut into parts of at most 16 MiB, each a sealed object under a name that
 * only its content and its writer decide, kept on this machine first and shipped before the segment that names it.
 */
import { type Context, Effect, Stream } from "effect"
import { createHash } from "node:crypto"
import { FormatError } from "../format/FormatError.ts"
import { BLOB_PART_BYTES } from "../format/Limits.ts"
import { blobName } from "../format/ObjectName.ts"
import type { Entropy } from "../keys/Entropy.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import type { Content, Event } from "../message/Event.ts"
import { contentOf } from "../message/EventContent.ts"
import { JournalError } from "./Journal.ts"
import { type LargeContent, SourceError } from "./Source.ts"
import type { StorageError, StorageShape } from "./Storage.ts"
import { getObject, openBlob, sealBlob } from "./VaultObjects.ts"

type BlobContent = Extract<Content, { readonly _tag: "blob" }>

interface BlobStore {
  readonly ring: KeyRingShape
  readonly entropy: Context.Tag.Service<typeof Entropy>
  readonly local: StorageShape
  readonly writer: Uint8Array
}

/** Stores a content part by part with flat memory; what is there already is not stored again. */
export const storeLarge = Effect.fn("Blobs.store")(function*(store: BlobStore, large: LargeContent) {
  const epoch = store.ring.newest
  const parts: Array<{ sha256: Uint8Array; size: number }> = []
  const names: Array<string> = []
  const whole = createHash("sha256")
  const buffer = Buffer.allocUnsafe(Math.min(BLOB_PART_BYTES, large.size))
  let used = 0
  let total = 0

  const flush = Effect.suspend(() => {
    const bytes = buffer.subarray(0, used)
    const sha256 = createHash("sha256").update(bytes).digest()
    parts.push({ sha256, size: used })
    used = 0
    return storePart(store, epoch, sha256, bytes).pipe(Effect.map((name) => names.push(name)))
  })

  yield* Stream.runForEach(large.bytes, (chunk) =>
    Effect.gen(function*() {
      total += chunk.length
      if (total > large.size) return
      whole.update(chunk)
      for (let from = 0; from < chunk.length;) {
        const count = Math.min(buffer.length - used, chunk.length - from)
        buffer.set(chunk.subarray(from, from + count), used)
        used += count
        from += count
        if (used === buffer.length) yield* flush
      }
    }))
  if (used > 0) yield* flush
  if (total !== large.size || !whole.digest().equals(large.sha256)) {
    return yield* new SourceError({ reason: "Changed", method: "storeLarge", subject: "a long content" })
  }
  const content: BlobContent = {
    _tag: "blob",
    sha256: large.sha256,
    size: large.size,
    writer: store.writer,
    epoch,
    parts
  }
  return { content, names }
})

const storePart = Effect.fn("Blobs.storePart")(function*(
  store: BlobStore,
  epoch: number,
  sha256: Uint8Array,
  bytes: Uint8Array
) {
  const name = blobName(store.ring, { epoch, writer: store.writer, sha256 })
  const there = yield* store.local.get(name, { offset: 0, length: 1 }).pipe(
    Effect.as(true),
    Effect.catchIf((error) => error.reason === "NotFound", () => Effect.succeed(false))
  )
  if (!there) {
    const sealed = yield* sealBlob({ ...store, epoch, sha256, bytes })
    yield* store.local.put(sealed.object, sealed.bytes).pipe(
      Effect.catchIf((error) => error.reason === "AlreadyExists", () => Effect.void),
      // Contents lie in the home beside the journal: it is the home that is full, and no target.
      Effect.mapError((error) =>
        error.reason === "Full"
          ? new JournalError({ reason: "Full", method: "append", subject: error.subject, cause: error })
          : error
      )
    )
  }
  return name
})

/** The names of all blobs that events need. */
export const blobsOf = (ring: KeyRingShape, events: ReadonlyArray<Event>): ReadonlyArray<string> =>
  events.flatMap((event) => {
    const content = contentOf(event)
    return content?._tag === "blob"
      ? content.parts.map((part) =>
        blobName(ring, { epoch: content.epoch, writer: content.writer, sha256: part.sha256 })
      )
      : []
  })

/** Reads a content back, part by part, each checked against its hash before it is handed on, and all at the end. */
export const readLarge = (
  ring: KeyRingShape,
  get: (object: string) => Effect.Effect<Uint8Array, StorageError | FormatError>,
  content: BlobContent
): Stream.Stream<Uint8Array, StorageError | FormatError> =>
  Stream.suspend(() => {
    const whole = createHash("sha256")
    const mismatch = (what: string) =>
      new FormatError({ reason: "Mismatch", what, detail: "not the bytes its event names" })
    const parts = Stream.fromIterable(content.parts).pipe(
      Stream.mapEffect(Effect.fnUntraced(function*(part) {
        const object = blobName(ring, { epoch: content.epoch, writer: content.writer, sha256: part.sha256 })
        const bytes = yield* openBlob({ ring, object, epoch: content.epoch, bytes: yield* get(object) })
        if (bytes.length !== part.size || !createHash("sha256").update(bytes).digest().equals(part.sha256)) {
          return yield* mismatch(object)
        }
        whole.update(bytes)
        return bytes
      }))
    )
    const check = Stream.execute(
      Effect.suspend(() => whole.digest().equals(content.sha256) ? Effect.void : mismatch("a long content"))
    )
    return Stream.concat(parts, check)
  })

export const fromStorage = (storage: StorageShape) => (object: string) => getObject(storage, object)
