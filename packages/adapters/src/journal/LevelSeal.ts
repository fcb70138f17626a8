/**
 * Every value of the journal is sealed under the journal key of its epoch and bound to its key, its log's writer and
 * the vault: LevelDB gives back wrong bytes without a word when a bit rots, and a value moved to another place, or
 * taken from another journal, must not open there.
 */
import { JournalError } from "@sealog/core/backup/Journal"
import type { FormatError } from "@sealog/core/format/FormatError"
import { open, seal } from "@sealog/core/format/Sealed"
import { NONCE_BYTES } from "@sealog/core/format/Sealed"
import type { EntropyShape } from "@sealog/core/keys/Entropy"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { Effect, Either } from "effect"
import { Buffer } from "node:buffer"
import { WRITER_BYTES } from "./LevelRecords.ts"

/** Where a value stands: its key, and its log's writer where it belongs to one. */
export interface Place {
  readonly key: Uint8Array
  readonly writer?: Uint8Array
}

export interface LevelSeal {
  /** `epoch u16 ‖ nonce ‖ ciphertext ‖ tag`. */
  readonly seal: (place: Place, plaintext: Uint8Array) => Uint8Array
  /** The plaintext; why there is none otherwise. */
  readonly open: (place: Place, value: Uint8Array) => Either.Either<Uint8Array, "WrongKey" | "Corrupt">
}

export const makeLevelSeal = (ring: KeyRingShape, entropy: EntropyShape): LevelSeal => {
  const contextOf = ({ key, writer }: Place) => Buffer.concat([VERSION, ring.vaultId, writer ?? NO_WRITER, key])
  return {
    seal: (place, plaintext) => {
      const key = ring.key(ring.newest, "journal")
      if (key === undefined) throw new RangeError("a key ring without its newest epoch")
      const nonce = entropy.bytes(NONCE_BYTES)
      const value = seal({ key, nonce, plaintext, aad: contextOf(place), before: EPOCH_BYTES })
      new DataView(value.buffer).setUint16(0, ring.newest)
      return value
    },
    open: (place, value) => {
      if (value.length < EPOCH_BYTES) return Either.left("Corrupt")
      const key = ring.key(Buffer.from(value.buffer, value.byteOffset, EPOCH_BYTES).readUInt16BE(), "journal")
      if (key === undefined) return Either.left("WrongKey")
      const plaintext = open({ key, sealed: value.subarray(EPOCH_BYTES), aad: contextOf(place) })
      return plaintext === undefined ? Either.left("Corrupt") : Either.right(plaintext)
    }
  }
}

/** Opens and decodes what is there; nothing there is Corrupt, as is an epoch that a flipped bit made up. */
export const read = <A>(
  sealer: LevelSeal,
  place: Place,
  value: Uint8Array | undefined,
  decode: (bytes: Uint8Array) => Either.Either<A, FormatError>,
  what: { readonly method: string; readonly subject: string }
): Effect.Effect<A, JournalError> => {
  if (value === undefined) return new JournalError({ reason: "Corrupt", ...what, cause: "it is not there" })
  const opened = sealer.open(place, value)
  if (Either.isLeft(opened)) return new JournalError({ reason: "Corrupt", ...what, cause: "it does not open" })
  return Either.match(decode(opened.right), {
    onLeft: (cause) =>
      new JournalError({ reason: cause.reason === "Unknown" ? "Unsupported" : "Corrupt", ...what, cause }),
    onRight: (decoded) => Effect.succeed(decoded)
  })
}

/** Format of the sealed records: an older program's do not open in a newer one unless it asks for them. */
const VERSION = Buffer.from("sealog journal 1\n")
const EPOCH_BYTES = 2
const NO_WRITER = new Uint8Array(WRITER_BYTES)
