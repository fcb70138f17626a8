/**
 * Where contents were first stored, by a keyed digest of theirs: whoever reads the disk cannot tell whether a content
 * he knows is in the log. An index is wrong in no bit, or it is not there: the content is stored once more, no worse.
 */
import type { ContentEntry, JournalError } from "@sealog/core/backup/Journal"
import { HASH_BYTES } from "@sealog/core/log/MerkleTree"
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import { hash } from "node:crypto"
import type { Write } from "./LevelDatabase.ts"
import * as Keys from "./LevelKeys.ts"
import { DIGEST_BYTES } from "./LevelRecords.ts"
import type { LevelStore } from "./LevelStore.ts"

export const contentWrites = (
  secret: Uint8Array,
  log: number,
  contents: ReadonlyArray<ContentEntry>
): ReadonlyArray<Write> =>
  contents.map(([sha256, index]) => {
    const key = Keys.content(log, digest(secret, Buffer.from(sha256, "hex")))
    const value = Buffer.allocUnsafe(INDEX_BYTES + PROOF_BYTES)
    value.writeUIntBE(index, 0, INDEX_BYTES)
    value.set(proof(secret, key, value.subarray(0, INDEX_BYTES)), INDEX_BYTES)
    return [key, value]
  })

export const findContents = (
  store: LevelStore,
  secret: Uint8Array,
  log: number,
  sha256: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<number | undefined>, JournalError> => {
  const keys = sha256.map((hex) => Keys.content(log, digest(secret, Buffer.from(hex, "hex"))))
  return Effect.map(
    store.read("contents", (db) => db.getMany(keys)),
    (values) => values.map((value, at) => value === undefined ? undefined : indexOf(secret, keys[at]!, value))
  )
}

/** A keyed digest: of contents, and of the names of notes. */
export const digest = (secret: Uint8Array, bytes: Uint8Array): Uint8Array =>
  Buffer.from(hmac(secret, bytes).slice(0, 2 * DIGEST_BYTES), "hex")

const indexOf = (secret: Uint8Array, key: Keys.Key, value: Uint8Array): number | undefined => {
  const index = Buffer.from(value.subarray(0, INDEX_BYTES))
  const expected = Buffer.concat([index, proof(secret, key, index)])
  return expected.equals(value) ? index.readUIntBE(0, INDEX_BYTES) : undefined
}

const proof = (secret: Uint8Array, key: Keys.Key, index: Uint8Array): Uint8Array =>
  Buffer.from(hmac(secret, Buffer.concat([INDEX, key, index])).slice(0, 2 * PROOF_BYTES), "hex")

/**
 * HMAC-SHA-256 (RFC 2104) in hex, of a secret no longer than a block: two plain hashes take little more than half of
 * what a Hmac object does, and leave nothing to the collector. There are three for each mail.
 */
const hmac = (secret: Uint8Array, bytes: Uint8Array): string => {
  const inner = Buffer.alloc(BLOCK_BYTES + bytes.length, 0x36)
  const outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES, 0x5c)
  for (let at = 0; at < secret.length; at++) {
    inner[at]! ^= secret[at]!
    outer[at]! ^= secret[at]!
  }
  inner.set(bytes, BLOCK_BYTES)
  outer.write(hash("sha256", inner, "hex"), BLOCK_BYTES, "hex")
  return hash("sha256", outer, "hex")
}

const INDEX = Buffer.from("index")
/** What SHA-256 takes at a time. */
const BLOCK_BYTES = 64
const INDEX_BYTES = 6
const PROOF_BYTES = 8
