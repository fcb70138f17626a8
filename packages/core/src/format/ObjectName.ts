/**
 * What objects are called. A segment's name says, to whoever holds the key, what is in it, and to nobody else anything
 * but its epoch; it is authenticated, so that a listing alone can be trusted. Letters `a-z2-7` only: nothing that a
 * case-insensitive disk, Unicode normalisation or Windows could change.
 */
import { aessiv } from "@noble/ciphers/aes.js"
import { Data, Either, Redacted } from "effect"
import { createHmac } from "node:crypto"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import { ByteReader, ByteWriter } from "./Binary.ts"
import * as Limits from "./Limits.ts"
import { FORMAT_VERSION, VAULT_FILE } from "./VaultFile.ts"

export const SLOT_ID_BYTES = 16
/** Epochs a name can tell apart: four letters. */
export const NAME_EPOCHS = 2 ** 20

/** What a segment's name says. */
export interface SegmentName {
  readonly epoch: number
  /** 8 bytes. */
  readonly writer: Uint8Array
  /** How often it was compacted, from 0. */
  readonly level: number
  /** Index of the first event in it and of the last, inclusive. */
  readonly first: number
  readonly last: number
  /** 4 bytes. */
  readonly session: Uint8Array
}

/** Why a name in `log/` is not one of this vault's segments. */
export type NameReason =
  /** It does not parse: `.DS_Store`, `x 2`. To be reported and skipped. */
  | "Foreign"
  /** Made under a vault key newer than any this key ring holds: the slot was replaced or rolled back. */
  | "NewerEpoch"
  /** It parses, and nobody who holds the key made it. */
  | "Unauthentic"

export class NameProblem extends Data.TaggedError("NameProblem")<{
  readonly reason: NameReason
  readonly name: string
}> {
  override get message() {
    return `${this.name}: ${explain[this.reason]}`
  }
}

/** `log/` and 70 letters; the same for the same segment. Throws a RangeError for an epoch the ring does not hold. */
export const segmentName = (ring: KeyRingShape, name: SegmentName): string => {
  if (!isRange(name)) throw new RangeError("no segment covers such a range")
  const key = ring.key(name.epoch, "name")
  if (key === undefined) throw new RangeError(`no key for epoch ${name.epoch}`)
  const plaintext = new ByteWriter(PLAIN_BYTES)
    .raw(exactly(name.writer, WRITER_BYTES))
    .u8(name.level)
    .u48(name.first)
    .u48(name.last)
    .raw(exactly(name.session, SESSION_BYTES))
    .finish()
  return `${LOG_FOLDER}${encodeEpoch(name.epoch)}${encodeBase32(cipher(key, ring.vaultId).encrypt(plaintext))}`
}

/** Opens the name of an object in `log/`. */
export const parseSegmentName = (ring: KeyRingShape, name: string): Either.Either<SegmentName, NameProblem> => {
  const problem = (reason: NameReason) => Either.left(new NameProblem({ reason, name }))
  if (!SEGMENT.test(name)) return problem("Foreign")
  const letters = name.slice(LOG_FOLDER.length)
  const sealed = decodeBase32(letters.slice(EPOCH_CHARS))
  if (sealed === undefined) return problem("Foreign")
  const epoch = decodeEpoch(letters)
  const key = ring.key(epoch, "name")
  if (key === undefined) return problem(epoch > ring.newest ? "NewerEpoch" : "Unauthentic")
  const plaintext = openSiv(key, ring.vaultId, sealed)
  if (plaintext === undefined) return problem("Unauthentic")
  const reader = new ByteReader(plaintext, "segment name")
  const parsed = {
    epoch,
    writer: reader.raw(WRITER_BYTES).slice(),
    level: reader.u8(),
    first: reader.u48(),
    last: reader.u48(),
    session: reader.raw(SESSION_BYTES).slice()
  }
  return isRange(parsed) ? Either.right(parsed) : problem("Unauthentic")
}

/** `blobs/` and 56 letters: the same for the same part of the same writer, telling nobody else which content it is. */
export const blobName = (
  ring: KeyRingShape,
  blob: { readonly epoch: number; readonly writer: Uint8Array; readonly sha256: Uint8Array }
): string => {
  const key = ring.key(blob.epoch, "blob-id")
  if (key === undefined) throw new RangeError(`no key for epoch ${blob.epoch}`)
  const mac = createHmac("sha256", Redacted.value(key))
    .update(exactly(blob.writer, WRITER_BYTES))
    .update(exactly(blob.sha256, 32))
    .digest()
  return `${BLOB_FOLDER}${encodeEpoch(blob.epoch)}${encodeBase32(mac)}`
}

/** `slots/` and 26 letters. */
export const slotName = (slotId: Uint8Array): string => `${SLOT_FOLDER}${encodeBase32(exactly(slotId, SLOT_ID_BYTES))}`

/** The epoch that a name in `log/` or `blobs/` claims, unproven; `undefined` for any other name. */
export const epochOf = (name: string): number | undefined => {
  if (SEGMENT.test(name)) return decodeEpoch(name.slice(LOG_FOLDER.length))
  return BLOB.test(name) ? decodeEpoch(name.slice(BLOB_FOLDER.length)) : undefined
}

/** Whether it is the name of something that may be in a vault; says nothing about who made it. */
export const isObjectName = (name: string): boolean =>
  name === VAULT_FILE || SEGMENT.test(name) || BLOB.test(name) || SLOT.test(name)

/** RFC 4648, section 6, in lower case and without padding. */
export const encodeBase32 = (bytes: Uint8Array): string => {
  let text = ""
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(held >>> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 31]
}

/** The bytes, from the one text that stands for them; `undefined` for any other. */
export const decodeBase32 = (text: string): Uint8Array | undefined => {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let at = 0
  let bits = 0
  let held = 0
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter)
    if (value < 0) return undefined
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (held >>> bits) & 255
    }
    held &= (1 << bits) - 1
  }
  // Five bits or more left over is a letter too many; a bit that is set there would be a second text for these bytes.
  return bits >= 5 || held !== 0 ? undefined : bytes
}

const explain: Record<NameReason, string> = {
  Foreign: "not an object of a vault; it is left alone",
  NewerEpoch: "made under a newer key than this password opens; the slot was replaced or rolled back",
  Unauthentic: "nobody who holds the vault's key made this name; it is left alone"
}

const LOG_FOLDER = "log/"
const BLOB_FOLDER = "blobs/"
const SLOT_FOLDER = "slots/"

const WRITER_BYTES = 8
const SESSION_BYTES = 4
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
const EPOCH_CHARS = 4
const SIV_BYTES = 16
const PLAIN_BYTES = WRITER_BYTES + 1 + 6 + 6 + SESSION_BYTES

/** Letters that so many bytes take. */
const charsOf = (bytes: number) => Math.ceil((bytes * 8) / 5)
const letters = (count: number) => `[a-z2-7]{${count}}`

const SEGMENT = new RegExp(`^${LOG_FOLDER}${letters(EPOCH_CHARS + charsOf(SIV_BYTES + PLAIN_BYTES))}$`)
const BLOB = new RegExp(`^${BLOB_FOLDER}${letters(EPOCH_CHARS + charsOf(32))}$`)
const SLOT = new RegExp(`^${SLOT_FOLDER}${letters(charsOf(SLOT_ID_BYTES))}$`)

const encodeEpoch = (epoch: number): string => {
  if (!Number.isInteger(epoch) || epoch < 0 || epoch >= NAME_EPOCHS) throw new RangeError(`no name for epoch ${epoch}`)
  return [15, 10, 5, 0].map((shift) => ALPHABET[(epoch >>> shift) & 31]).join("")
}

const decodeEpoch = (text: string): number =>
  [0, 1, 2, 3].reduce((epoch, at) => epoch * 32 + ALPHABET.indexOf(text.charAt(at)), 0)

/** AES-256-SIV (RFC 5297) without a nonce: equal names seal equally, which is what makes a retried put one object. */
const cipher = (key: Redacted.Redacted<Uint8Array>, vaultId: Uint8Array) =>
  aessiv(Redacted.value(key), new ByteWriter(1 + vaultId.length).u8(FORMAT_VERSION).raw(vaultId).finish())

/** Of bytes of the right length, noble refuses only those whose synthetic IV is not theirs. */
const openSiv = (
  key: Redacted.Redacted<Uint8Array>,
  vaultId: Uint8Array,
  sealed: Uint8Array
): Uint8Array | undefined => {
  try {
    return cipher(key, vaultId).decrypt(sealed)
  } catch {
    return undefined
  }
}

const isRange = (name: SegmentName): boolean =>
  name.first >= 0 && name.first <= name.last && name.last <= Limits.LOG_EVENTS && name.level >= 0 && name.level <= 255

const exactly = (bytes: Uint8Array, length: number): Uint8Array => {
  if (bytes.length !== length) throw new RangeError(`${bytes.length} bytes where ${length} belong`)
  return bytes
}
