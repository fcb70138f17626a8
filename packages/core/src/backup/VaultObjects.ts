/**
 * The objects of a vault as what they mean: segments of a log and blobs, by decrypted name. Whoever reads or writes a
 * vault goes through here, so that nothing is released before it is authenticated and bound to its name.
 */
import { Effect, Stream } from "effect"
import { decodeBlob, encodeBlob } from "../format/Blob.ts"
import { FormatError } from "../format/FormatError.ts"
import { OBJECT_BYTES } from "../format/Limits.ts"
import { blobName, type NameProblem, parseSegmentName, type SegmentName, segmentName } from "../format/ObjectName.ts"
import { openStream, sealStream, streamContext } from "../format/SealedStream.ts"
import { decodeSegment, encodeSegment, type SegmentContents } from "../format/Segment.ts"
import type { EntropyShape } from "../keys/Entropy.ts"
import type { KeyRingShape, Purpose } from "../keys/KeyRing.ts"
import type { StorageError, StorageShape } from "./Storage.ts"

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
  readonly entropy: EntropyShape
  readonly name: SegmentName
  readonly contents: SegmentContents
}): SealedObject => {
  const object = segmentName(options.ring, options.name)
  return { object, bytes: seal({ ...options, object, kind: "segment", epoch: options.name.epoch, plaintext: encodeSegment(options.contents) }) }
}

/** Opens a whole segment and checks that it says what its name says. */
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

export const sealBlob = (options: {
  readonly ring: KeyRingShape
  readonly entropy: EntropyShape
  readonly epoch: number
  readonly writer: Uint8Array
  readonly sha256: Uint8Array
  readonly bytes: Uint8Array
}): SealedObject => {
  const object = blobName(options.ring, options)
  return { object, bytes: seal({ ...options, object, kind: "blob", plaintext: encodeBlob(options.bytes) }) }
}

export const openBlob = Effect.fn("VaultObjects.openBlob")(function*(options: {
  readonly ring: KeyRingShape
  readonly object: string
  readonly epoch: number
  readonly bytes: Uint8Array
}) {
  return yield* decodeBlob(yield* open({ ...options, kind: "blob" }))
})

/** A whole object, never longer than a reader is ready for. */
export const getObject = (storage: StorageShape, object: string): Effect.Effect<Uint8Array, StorageError | FormatError> =>
  Effect.filterOrFail(
    storage.get(object),
    (bytes) => bytes.length <= OBJECT_BYTES,
    (bytes) => new FormatError({ reason: "Limit", what: object, detail: `${bytes.length} bytes` })
  )

const seal = (options: {
  readonly ring: KeyRingShape
  readonly entropy: EntropyShape
  readonly kind: "segment" | "blob"
  readonly epoch: number
  readonly object: string
  readonly plaintext: Uint8Array
}): Uint8Array =>
  sealStream({
    key: options.ring.key(options.epoch, options.kind),
    context: streamContext({ kind: options.kind, vaultId: options.ring.vaultId, name: options.object }),
    name: options.object,
    random: options.entropy.bytes(32),
    plaintext: options.plaintext
  })

const open = (options: {
  readonly ring: KeyRingShape
  readonly kind: Extract<Purpose, "segment" | "blob">
  readonly epoch: number
  readonly object: string
  readonly bytes: Uint8Array
}) =>
  openStream({
    key: options.ring.key(options.epoch, options.kind),
    context: streamContext({ kind: options.kind, vaultId: options.ring.vaultId, name: options.object }),
    sealed: options.bytes
  })

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
