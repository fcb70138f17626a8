/**
 * The cipher of a vault's objects: `salt ‖ commitment ‖ STREAM`. Each object has a key of its own, bound to what the
 * object is and is called; its plaintext is sealed in chunks that can be neither cut, swapped nor dropped (STREAM, as
 * in age v1), so that a range can be opened without the rest and nothing is released unauthenticated.
 */
import { Either, Redacted } from "effect"
import { createCipheriv, createDecipheriv, createHash, timingSafeEqual } from "node:crypto"
import * as Hkdf from "../keys/Hkdf.ts"
import * as Labels from "../keys/Labels.ts"
import { ByteWriter } from "./Binary.ts"
import { FormatError } from "./FormatError.ts"
import * as Limits from "./Limits.ts"
import { authentic, plain, TAG_BYTES } from "./Sealed.ts"
import { FORMAT_VERSION } from "./VaultFile.ts"

export type ObjectKind = "segment" | "blob"

export const SALT_BYTES = 32
const COMMITMENT_BYTES = 32
/** Salt and commitment: what a range reader fetches beside its chunks. */
export const HEAD_BYTES = SALT_BYTES + COMMITMENT_BYTES
/** A chunk and its tag. */
export const SEALED_CHUNK_BYTES = Limits.CHUNK_BYTES + TAG_BYTES

/** What an object is: its key depends on all of it, so an object under another name does not open. */
export const streamContext = (options: {
  readonly kind: ObjectKind
  readonly vaultId: Uint8Array
  /** With its folder, as `log/…`. */
  readonly name: string
}): Uint8Array =>
  new ByteWriter(128)
    .u8(FORMAT_VERSION)
    .u8(KIND[options.kind])
    .raw(options.vaultId)
    .raw(new TextEncoder().encode(options.name))
    .finish()

export interface SealStreamOptions {
  /** The epoch's segment or blob key. */
  readonly key: Redacted.Redacted<Uint8Array>
  readonly context: Uint8Array
  readonly name: string
  /** 32 fresh random bytes. */
  readonly random: Uint8Array
  readonly plaintext: Uint8Array
}

/** The whole object. Throws a RangeError for a plaintext that no reader would open. */
export const sealStream = (options: SealStreamOptions): Uint8Array => {
  const { context, key, plaintext } = options
  const size = sealedLength(plaintext.length)
  if (size > Limits.OBJECT_BYTES) throw new RangeError(`an object of ${size} bytes is over its limit`)
  const salt = hedgedSalt(options)
  const { commitment, streamKey } = derive(key, salt, context)
  const sealed = new Uint8Array(size)
  sealed.set(salt)
  sealed.set(commitment, SALT_BYTES)
  sealChunks(streamKey, plaintext, sealed.subarray(HEAD_BYTES))
  return sealed
}

export interface OpenStreamOptions {
  readonly key: Redacted.Redacted<Uint8Array>
  readonly context: Uint8Array
  readonly sealed: Uint8Array
}

/** The plaintext, once every byte of the object is authenticated. */
export const openStream = (options: OpenStreamOptions): Either.Either<Uint8Array, FormatError> => {
  const { context, key, sealed } = options
  return Either.flatMap(layout(sealed.length), (shape) => {
    const streamKey = openHead(key, context, sealed)
    return streamKey === undefined ? unauthentic(COMMITMENT) : openChunks(streamKey, shape, sealed)
  })
}

/** One chunk of an object, authenticated as that chunk of that object; with `final`, also as its last. */
export const openChunk = (options: {
  readonly key: Redacted.Redacted<Uint8Array>
  readonly context: Uint8Array
  /** The object's first `HEAD_BYTES`. */
  readonly head: Uint8Array
  readonly index: number
  readonly final: boolean
  /** The sealed chunk, with its tag. */
  readonly bytes: Uint8Array
}): Either.Either<Uint8Array, FormatError> => {
  const { bytes, context, final, head, index, key } = options
  if (head.length !== HEAD_BYTES) {
    return Either.left(new FormatError({ reason: "Truncated", what: WHAT, detail: "head" }))
  }
  if (!isChunkLength(index, final, bytes.length)) {
    return Either.left(new FormatError({ reason: "Malformed", what: WHAT, detail: `chunk ${index}` }))
  }
  const streamKey = openHead(key, context, head)
  if (streamKey === undefined) return unauthentic(COMMITMENT)
  const plaintext = openWith(streamKey, index, final, bytes)
  return plaintext === undefined ? unauthentic(`chunk ${index}`) : Either.right(plaintext)
}

/** Where one chunk stands, in the object and in the plaintext; bytes. */
export interface ChunkRange {
  readonly index: number
  readonly final: boolean
  readonly offset: number
  readonly length: number
  readonly plainOffset: number
  readonly plainLength: number
}

/** What an object's size alone says. */
export interface Layout {
  readonly size: number
  readonly chunks: number
  readonly plaintextLength: number
  /** The chunk of an index from 0 to `chunks - 1`. */
  readonly chunk: (index: number) => ChunkRange
}

/** How an object of `size` bytes is divided; an error where no object can have that size. */
export const layout = (size: number): Either.Either<Layout, FormatError> => {
  const refuse = (reason: FormatError["reason"]) =>
    Either.left(new FormatError({ reason, what: WHAT, detail: `${size} bytes` }))
  if (size > Limits.OBJECT_BYTES) return refuse("Limit")
  const stream = size - HEAD_BYTES
  if (stream < TAG_BYTES) return refuse("Truncated")
  const chunks = Math.ceil(stream / SEALED_CHUNK_BYTES)
  const last = stream - (chunks - 1) * SEALED_CHUNK_BYTES
  if (!isChunkLength(chunks - 1, true, last)) return refuse("Malformed")
  const chunk = (index: number): ChunkRange => {
    if (!Number.isInteger(index) || index < 0 || index >= chunks) throw new RangeError(`no chunk ${index}`)
    const length = index === chunks - 1 ? last : SEALED_CHUNK_BYTES
    return {
      index,
      final: index === chunks - 1,
      offset: HEAD_BYTES + index * SEALED_CHUNK_BYTES,
      length,
      plainOffset: index * Limits.CHUNK_BYTES,
      plainLength: length - TAG_BYTES
    }
  }
  return Either.right({ size, chunks, plaintextLength: stream - chunks * TAG_BYTES, chunk })
}

/** Bytes of the object that holds so many bytes. */
export const sealedLength = (plaintextLength: number): number =>
  HEAD_BYTES + plaintextLength + TAG_BYTES * Math.max(1, Math.ceil(plaintextLength / Limits.CHUNK_BYTES))

/** STREAM alone, into as many bytes as it takes. */
export const sealChunks = (streamKey: Redacted.Redacted<Uint8Array>, plaintext: Uint8Array, into: Uint8Array): void => {
  let at = 0
  for (let index = 0; at < into.length; index++) {
    const chunk = plaintext.subarray(index * Limits.CHUNK_BYTES, (index + 1) * Limits.CHUNK_BYTES)
    const end = at + chunk.length + TAG_BYTES
    const cipher = createCipheriv(
      "chacha20-poly1305",
      Redacted.value(streamKey),
      nonceOf(index, end === into.length),
      TAG
    )
    into.set(cipher.update(chunk), at)
    cipher.final()
    into.set(cipher.getAuthTag(), end - TAG_BYTES)
    at = end
  }
}

/**
 * STREAM alone: all chunks of an object of that layout, whatever its head is. A chunk is written down once it is
 * authentic, and no further than where it was sealed: so the plaintext may take the place of what it is made from.
 */
export const openChunks = (
  streamKey: Redacted.Redacted<Uint8Array>,
  shape: Layout,
  sealed: Uint8Array
): Either.Either<Uint8Array, FormatError> => {
  const plaintext = new Uint8Array(shape.plaintextLength)
  for (let index = 0; index < shape.chunks; index++) {
    const { final, length, offset, plainOffset } = shape.chunk(index)
    const opened = openWith(streamKey, index, final, sealed.subarray(offset, offset + length))
    if (opened === undefined) return unauthentic(`chunk ${index}`)
    plaintext.set(opened, plainOffset)
  }
  return Either.right(plaintext)
}

const WHAT = "sealed object"
const COMMITMENT = "commitment"
const KIND: Record<ObjectKind, number> = { segment: 1, blob: 2 }
const TAG = { authTagLength: TAG_BYTES } as const

/**
 * A salt that repeats only with the same plaintext under the same name, even where randomness has failed; and that,
 * for the key in it, tells nobody else whether a guessed plaintext is this one. No reader computes it.
 */
const hedgedSalt = (options: SealStreamOptions): Uint8Array => {
  const { key, name, plaintext, random } = options
  if (random.length !== 32) throw new RangeError("32 random bytes belong here")
  const secret = new ByteWriter(192)
    .raw(Redacted.value(key))
    .raw(random)
    .raw(createHash("sha256").update(plaintext).digest())
    .raw(new TextEncoder().encode(name))
    .finish()
  return Hkdf.derive({ secret, salt: new Uint8Array(0), label: Labels.OBJECT_SALT, length: SALT_BYTES })
}

const derive = (key: Redacted.Redacted<Uint8Array>, salt: Uint8Array, context: Uint8Array) => {
  const derived = Hkdf.derive({ secret: Redacted.value(key), salt, label: Labels.OBJECT, context, length: 64 })
  return { streamKey: Redacted.make(derived.subarray(0, 32)), commitment: derived.subarray(32) }
}

/** The object's key, if the commitment is the one it makes: one object opens under one key and context only. */
const openHead = (
  key: Redacted.Redacted<Uint8Array>,
  context: Uint8Array,
  head: Uint8Array
): Redacted.Redacted<Uint8Array> | undefined => {
  const { commitment, streamKey } = derive(key, head.subarray(0, SALT_BYTES), context)
  return timingSafeEqual(commitment, head.subarray(SALT_BYTES, HEAD_BYTES)) ? streamKey : undefined
}

const openWith = (
  streamKey: Redacted.Redacted<Uint8Array>,
  index: number,
  final: boolean,
  bytes: Uint8Array
): Uint8Array | undefined => {
  const decipher = createDecipheriv("chacha20-poly1305", Redacted.value(streamKey), nonceOf(index, final), TAG)
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
  const plaintext = decipher.update(bytes.subarray(0, bytes.length - TAG_BYTES))
  return authentic(decipher) ? plain(plaintext) : undefined
}

/** Full, or the last one, which is empty only where it is the only one. */
const isChunkLength = (index: number, final: boolean, length: number): boolean => {
  if (!Number.isInteger(index) || index < 0 || index > 0xffff_ffff) return false
  if (!final) return length === SEALED_CHUNK_BYTES
  return length >= TAG_BYTES && length <= SEALED_CHUNK_BYTES && (length > TAG_BYTES || index === 0)
}

/** 11 bytes of counter, big-endian, of which an object never needs more than four; then 1 for the last chunk. */
const nonceOf = (index: number, final: boolean): Uint8Array => {
  const nonce = new Uint8Array(12)
  new DataView(nonce.buffer).setUint32(7, index)
  nonce[11] = final ? 1 : 0
  return nonce
}

const unauthentic = (detail: string): Either.Either<never, FormatError> =>
  Either.left(new FormatError({ reason: "Unauthentic", what: WHAT, detail }))
