/**
 * Every label that separates one use of a key from another, in one place, so that no two can be the same. A label is
 * dated and never changes its meaning: a new use gets a new label.
 */

/** What an epoch's vault key is split into. */
export type Purpose = "name" | "segment" | "blob" | "blob-id" | "journal" | "pin" | "receipt"

/** Keys of an epoch: `HKDF(vault key, vault id, label)`. */
export const purposes: Record<Purpose, { readonly label: string; readonly length: number }> = {
  /** AES-256-SIV takes two keys. */
  "name": { label: "sealog 2026-11 name", length: 64 },
  "segment": { label: "sealog 2026-11 segment", length: 32 },
  "blob": { label: "sealog 2026-11 blob", length: 32 },
  "blob-id": { label: "sealog 2026-11 blob id", length: 32 },
  "journal": { label: "sealog 2026-11 journal", length: 32 },
  "pin": { label: "sealog 2026-11 pin", length: 32 },
  "receipt": { label: "sealog 2026-11 receipt", length: 32 }
}

/** Key and commitment of one object: `HKDF(segment or blob key, object's salt, label ‖ 0 ‖ context)`. */
export const OBJECT = "sealog 2026-11 object"
/** The salt of one object: `HKDF(key ‖ random ‖ SHA-256(plaintext) ‖ name, no salt, label)`. */
export const OBJECT_SALT = "sealog 2026-11 object salt"
/** Wrapping key and commitment of a slot: `HKDF(KEK, slot's salt, label ‖ 0 ‖ header)`. */
export const SLOT = "sealog 2026-11 slot"
/** What tests use where a password would be stretched; nothing that is kept is derived under it. */
export const TEST_KDF = "sealog 2026-11 test kdf, not for use"
