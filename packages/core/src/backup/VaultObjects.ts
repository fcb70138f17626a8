/**
 * The objects of a vault as what they mean: segments of a log and blobs, by decrypted name. Whoever reads or writes a
 * vault goes through here, so that nothing is released before it is authenticated and bound to its name.
 */
import { type Context, Effect, Either, Stream } from "effect"
import { Buffer } from "node:buffer"
import { decodeBlob, encodeBlob } from "../format/Blob.ts"
import { FormatError } from "../format/FormatError.ts"
import { OBJECT_BYTES } from "../format/Limits.ts"
import { blobName, type NameProblem, parseSegmentName, type SegmentName, segmentName } from "../format/ObjectName.ts"
import {
  HEAD_BYTES,
  layout,
  type ObjectKind,
  openChunk,
  openStream,
  sealStream,
  streamContext
} from "../format/SealedStream.ts"
import { decodeSegment, encodeSegment, type RunEntry, type SegmentContents } from "../format/Segment.ts"
import * as SegmentReader from "../format/SegmentReader.ts"
import type { Entropy } from "../keys/Entropy.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import type { ByteRange, StorageError, StorageShape } from "./Storage.ts"

/** A segment that a listing shows, by what its name says. */
export interface SegmentInfo extends SegmentName {
  readonly object: string
  readonly bytes: number
}

/** An object that a listing shows under `log/` and whose name is not one of ours. */
export interface ForeignObject {
  readonly object: string
  readonly problem: NameProblem
}

export interface Listing {
  readonly segments: ReadonlyArray<SegmentInfo>
  readonly foreign: ReadonlyArray<ForeignObject>
}

/** One listing: writer, level and range of every segment, without reading a byte of content. */
export const listSegments = Effect.fn("VaultObjects.list")(function*(storage: StorageShape, ring: KeyRingShape) {
  const segments: Array<SegmentInfo> = []
  const foreign: Array<ForeignObject> = []
  yield* storage.list("log/").pipe(Stream.runForEachChunk((infos) =>
    Effect.sync(() => {
      for (const info of infos) {
        const parsed = parseSegmentName(ring, info.name)
        if (parsed._tag === "Right") segments.push({ ...parsed.right, object: info.name, bytes: info.size })
        else foreign.push({ object: info.name, problem: parsed.left })
      }
    })
  ))
  return { segments, foreign } satisfies Listing
})

/** A segment ready to be put: its name and its sealed bytes. */
export interface SealedObject {
  readonly object: string
  readonly bytes: Uint8Array
}

export const sealSegment = (options: {
  readonly ring: KeyRingShape
  readonly entropy: Context.Tag.Service<typeof Entropy>
  readonly name: SegmentName
  readonly contents: SegmentContents
}): Effect.Effect<SealedObject, FormatError> =>
  Effect.suspend(() =>
    seal({
      ...options,
      object: segmentName(options.ring, options.name),
      kind: "segment",
      epoch: options.name.epoch,
      plaintext: encodeSegment(options.contents)
    })
  )

/** Opens a whole segment, in the memory of its bytes, and checks that it says what its name says. */
export const openSegment = Effect.fn("VaultObjects.openSegment")(function*(
  ring: KeyRingShape,
  info: SegmentInfo,
  bytes: Uint8Array
) {
  const plaintext = yield* open({ ring, object: info.object, kind: "segment", epoch: info.epoch, bytes })
  const contents = yield* decodeSegment(plaintext)
  const { trailer } = contents
  if (trailer.first !== info.first || trailer.last !== info.last || !same(trailer.writer, info.writer)) {
    return yield* new FormatError({ reason: "Mismatch", what: "segment", detail: "its trailer and its name disagree" })
  }
  return contents
})

export const readSegment = Effect.fn("VaultObjects.readSegment")(function*(
  storage: StorageShape,
  ring: KeyRingShape,
  info: SegmentInfo
) {
  return yield* openSegment(ring, info, yield* getObject(storage, info.object))
})

/** Only the trailer of a segment, from the end of its object. */
export const readTrailer = Effect.fn("VaultObjects.readTrailer")(function*(
  storage: StorageShape,
  ring: KeyRingShape,
  info: SegmentInfo
) {
  return yield* SegmentReader.readTrailer(yield* chunksOf(storage, ring, info))
})

/** Only some runs of a segment. */
export const readRuns = Effect.fn("VaultObjects.readRuns")(function*(
  storage: StorageShape,
  ring: KeyRingShape,
  info: SegmentInfo,
  entries: ReadonlyArray<RunEntry>
) {
  return yield* SegmentReader.readRuns(yield* chunksOf(storage, ring, info), entries)
})

/** An object's plaintext by chunks: each read is one range, each chunk is authenticated as that one of this object. */
const chunksOf = Effect.fn("VaultObjects.chunksOf")(function*(
  storage: StorageShape,
  ring: KeyRingShape,
  info: SegmentInfo
) {
  const { chunk, chunks: count, plaintextLength } = yield* layout(info.bytes)
  const key = yield* keyOf(ring, "segment", info.epoch)
  const context = streamContext({ kind: "segment", vaultId: ring.vaultId, name: info.object })
  const head = yield* exactly(storage, info.object, { offset: 0, length: HEAD_BYTES })
  const read = Effect.fn("VaultObjects.readChunks")(function*(from: number, to: number) {
    const [first, last] = [chunk(from), chunk(Math.min(to, count - 1))]
    const bytes = last.offset + last.length - first.offset
    const sealed = yield* exactly(storage, info.object, { offset: first.offset, length: bytes })
    const opened: Array<Uint8Array> = []
    for (let index = from; index <= last.index; index++) {
      const { final, length, offset } = chunk(index)
      const at = offset - first.offset
      opened.push(yield* openChunk({ key, context, head, index, final, bytes: sealed.subarray(at, at + length) }))
    }
    return opened.length === 1 ? opened[0]! : Buffer.concat(opened)
  })
  return { plaintextLength, read }
})

const exactly = (storage: StorageShape, object: string, range: ByteRange) =>
  Effect.filterOrFail(
    storage.get(object, range),
    (bytes) => bytes.length === range.length,
    (bytes) =>
      new FormatError({ reason: "Truncated", what: object, detail: `${bytes.length} bytes at ${range.offset}` })
  )

export const sealBlob = (options: {
  readonly ring: KeyRingShape
  readonly entropy: Context.Tag.Service<typeof Entropy>
  readonly epoch: number
  readonly writer: Uint8Array
  readonly sha256: Uint8Array
  readonly bytes: Uint8Array
}): Effect.Effect<SealedObject, FormatError> =>
  Effect.suspend(() =>
    seal({ ...options, object: blobName(options.ring, options), kind: "blob", plaintext: encodeBlob(options.bytes) })
  )

/** Opens a blob in the memory of its bytes. */
export const openBlob = Effect.fn("VaultObjects.openBlob")(function*(options: {
  readonly ring: KeyRingShape
  readonly object: string
  readonly epoch: number
  readonly bytes: Uint8Array
}) {
  return yield* decodeBlob(yield* open({ ...options, kind: "blob" }))
})

/**
 * Whether an object is at fault, and not the way to it or this program: then there may be another that holds the
 * same. A place that cannot be reached, or bytes of a newer program, stop a reader.
 */
export const isDamage = (error: StorageError | FormatError): boolean =>
  error._tag === "FormatError" ? error.reason !== "Unknown" : error.reason === "NotFound" || error.reason === "Corrupt"

/** A whole object, never longer than a reader is ready for. */
export const getObject = (
  storage: StorageShape,
  object: string
): Effect.Effect<Uint8Array, StorageError | FormatError> =>
  Effect.filterOrFail(
    storage.get(object),
    (bytes) => bytes.length <= OBJECT_BYTES,
    (bytes) => new FormatError({ reason: "Limit", what: object, detail: `${bytes.length} bytes` })
  )

const seal = (options: {
  readonly ring: KeyRingShape
  readonly entropy: Context.Tag.Service<typeof Entropy>
  readonly kind: ObjectKind
  readonly epoch: number
  readonly object: string
  readonly plaintext: Uint8Array
}) =>
  Effect.map(keyOf(options.ring, options.kind, options.epoch), (key): SealedObject => ({
    object: options.object,
    bytes: sealStream({
      key,
      context: streamContext({ kind: options.kind, vaultId: options.ring.vaultId, name: options.object }),
      name: options.object,
      random: options.entropy.bytes(32),
      plaintext: options.plaintext
    })
  }))

const open = (options: {
  readonly ring: KeyRingShape
  readonly kind: ObjectKind
  readonly epoch: number
  readonly object: string
  readonly bytes: Uint8Array
}) =>
  Effect.flatMap(keyOf(options.ring, options.kind, options.epoch), (key) =>
    Either.mapLeft(
      openStream({
        key,
        context: streamContext({ kind: options.kind, vaultId: options.ring.vaultId, name: options.object }),
        sealed: options.bytes
      }),
      ({ detail, reason }) =>
        new FormatError({ reason, what: options.object, ...(detail === undefined ? {} : { detail }) })
    ))

const keyOf = (ring: KeyRingShape, kind: ObjectKind, epoch: number) =>
  Effect.mapError(
    Effect.fromNullable(ring.key(epoch, kind)),
    () => new FormatError({ reason: "Unauthentic", what: kind, detail: `no key for epoch ${epoch}` })
  )

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
