/**
 * Makes the vectors of keys, ciphers and names, the same ones every time. They are frozen in `docs/vectors`: a change
 * of what comes out of here is a change of the format.
 */
import * as Limits from "@sealog/core/format/Limits"
import { blobName, segmentName, slotName } from "@sealog/core/format/ObjectName"
import * as Sealed from "@sealog/core/format/Sealed"
import { sealStream, streamContext } from "@sealog/core/format/SealedStream"
import { encodeVaultFile } from "@sealog/core/format/VaultFile"
import * as Entropy from "@sealog/core/keys/Entropy"
import { type KeyRingShape, makeKeyRing } from "@sealog/core/keys/KeyRing"
import { purposes } from "@sealog/core/keys/Labels"
import type { Purpose } from "@sealog/core/keys/Labels"
import { Effect, Redacted } from "effect"
import { hexOf } from "../Corpora.ts"
import { makeSlotVectors } from "./SlotVectors.ts"

export interface VectorFile {
  /** Below `docs/vectors`. */
  readonly path: string
  readonly bytes: Uint8Array
}

export const makeKeyVectors = Effect.gen(function*() {
  const { bytes } = yield* Entropy.Entropy
  const ring = makeKeyRing({
    vaultId: bytes(32),
    epochs: new Map([0, 1].map((epoch) => [epoch, Redacted.make(bytes(32))]))
  })
  const objects = objectVectors(ring, bytes)
  const files: ReadonlyArray<VectorFile> = [
    json("keys/key-ring.json", { cases: [keyRingVector(ring)] }),
    json("keys/slots.json", yield* makeSlotVectors(ring)),
    json("cipher/records.json", { cases: recordVectors(bytes) }),
    json("cipher/objects.json", { cases: objects.cases }),
    ...objects.files,
    json("names/names.json", nameVectors(ring, bytes)),
    json("names/vault-files.json", { cases: vaultFileVectors(ring) })
  ]
  return files
}).pipe(Effect.provide(Entropy.layerSeeded("vectors of keys, ciphers and names, 2026-11")))

/** The plaintext of every object vector: byte i is i modulo 251. */
export const pattern = (length: number): Uint8Array => new Uint8Array(length).map((_, index) => index % 251)

type Random = (count: number) => Uint8Array

const json = (path: string, content: object): VectorFile => ({
  path,
  bytes: new TextEncoder().encode(`${JSON.stringify(content, undefined, 2)}\n`)
})

const ringOf = (ring: KeyRingShape) => ({
  vaultId: hexOf(ring.vaultId),
  epochs: ring.epochs.map((epoch) => ({ epoch, key: hexOf(Redacted.value(ring.master(epoch)!)) }))
})

const keyRingVector = (ring: KeyRingShape) => ({
  name: "two epochs",
  expect: "success",
  ...ringOf(ring),
  keys: ring.epochs.map((epoch) => ({
    epoch,
    ...Object.fromEntries(
      (Object.keys(purposes) as ReadonlyArray<Purpose>).map((purpose) =>
        [purpose, hexOf(Redacted.value(ring.key(epoch, purpose)!))] as const
      )
    )
  }))
})

const recordVectors = (random: Random) => {
  const [key, nonce] = [random(32), random(24)]
  const record = (name: string, plaintext: Uint8Array, aad: Uint8Array) => {
    const sealed = Sealed.sealReference({ key: Redacted.make(key), nonce, plaintext, aad })
    return {
      name,
      expect: "success",
      key: hexOf(key),
      aad: hexOf(aad),
      plaintext: hexOf(plaintext),
      sealed: hexOf(sealed)
    }
  }
  const good = record("a record", random(100), random(40))
  const flip = (hex: string, at: number) => {
    const bytes = new Uint8Array(Buffer.from(hex, "hex"))
    bytes[at < 0 ? bytes.length + at : at]! ^= 1
    return hexOf(bytes)
  }
  const { plaintext: _, ...rest } = good
  const bad = (name: string, expect: string, change: Partial<typeof good>) => ({ ...rest, name, expect, ...change })
  return [
    good,
    record("nothing about nothing", new Uint8Array(0), new Uint8Array(0)),
    record("one block of the cipher", random(64), random(16)),
    record("one byte more than a block", random(65), random(17)),
    bad("the nonce changed", "tag", { sealed: flip(good.sealed, 0) }),
    bad("the ciphertext changed", "tag", { sealed: flip(good.sealed, 24) }),
    bad("the tag changed", "tag", { sealed: flip(good.sealed, -1) }),
    bad("the associated data changed", "tag", { aad: flip(good.aad, 0) }),
    bad("no associated data", "tag", { aad: "" }),
    bad("another key", "tag", { key: flip(good.key, 31) }),
    bad("the last byte missing", "tag", { sealed: good.sealed.slice(0, -2) }),
    bad("too short for a nonce and a tag", "length", { sealed: good.sealed.slice(0, 78) }),
    bad("nothing at all", "length", { sealed: "" })
  ]
}

/** Each failure is cut from a good object: `pieces` of it, one after the other, then one bit flipped. */
const objectVectors = (ring: KeyRingShape, random: Random) => {
  const chunk = Limits.CHUNK_BYTES + 16
  const make = (kind: "segment" | "blob", length: number) => {
    const name = kind === "segment" ? segmentName(ring, segment(random)) : blobName(ring, blob(random))
    const key = ring.key(1, kind)!
    const context = streamContext({ kind, vaultId: ring.vaultId, name })
    const sealed = sealStream({ key, context, name, random: random(32), plaintext: pattern(length) })
    return { fields: { kind, vaultId: hexOf(ring.vaultId), object: name, key: hexOf(Redacted.value(key)) }, sealed }
  }
  const whole = (name: string, kind: "segment" | "blob", length: number) => {
    const { fields, sealed } = make(kind, length)
    return { name, expect: "success", ...fields, plaintextLength: length, sealed: hexOf(sealed) }
  }
  const small = whole("300 bytes", "segment", 300)
  const three = make("segment", 2 * Limits.CHUNK_BYTES + 100)
  const full = make("blob", Limits.CHUNK_BYTES)
  const from = (file: string, { fields }: typeof three) => (name: string, expect: string, change: object) => ({
    name,
    expect,
    ...fields,
    file,
    ...change
  })
  const [ofThree, ofFull] = [from("three-chunks.bin", three), from("full-chunk.bin", full)]
  const end = three.sealed.length
  const [a, b, c] = [[64, 64 + chunk], [64 + chunk, 64 + 2 * chunk], [64 + 2 * chunk, end]]
  const head = [0, 64]
  const { plaintextLength: _, ...rest } = small
  const other = (name: string, change: object) => ({ ...rest, name, expect: "commitment", ...change })
  const cases = [
    whole("nothing", "segment", 0),
    whole("one byte", "blob", 1),
    small,
    ofFull("one full chunk", "success", { plaintextLength: Limits.CHUNK_BYTES }),
    ofThree("three chunks", "success", { plaintextLength: 2 * Limits.CHUNK_BYTES + 100 }),
    other("another name", { object: segmentName(ring, segment(random)) }),
    other("another kind", { kind: "blob" }),
    other("another vault", { vaultId: hexOf(random(32)) }),
    other("another key", { key: hexOf(random(32)) }),
    ofThree("the salt changed", "commitment", { flip: 31 }),
    ofThree("the commitment changed", "commitment", { flip: 63 }),
    ofThree("the first chunk changed", "chunk 0", { flip: 64 }),
    ofThree("the tag of the first chunk changed", "chunk 0", { flip: 64 + chunk - 1 }),
    ofThree("the second chunk changed", "chunk 1", { flip: 64 + chunk }),
    ofThree("the last tag changed", "chunk 2", { flip: end - 1 }),
    ofThree("cut after the second chunk", "chunk 1", { pieces: [head, a, b] }),
    ofThree("cut after the first chunk", "chunk 0", { pieces: [head, a] }),
    ofThree("cut inside the last chunk", "chunk 2", { pieces: [[0, end - 1]] }),
    ofThree("the first chunk dropped", "chunk 0", { pieces: [head, b, c] }),
    ofThree("the second chunk dropped", "chunk 1", { pieces: [head, a, c] }),
    ofThree("the first chunk doubled", "chunk 1", { pieces: [head, a, a, b, c] }),
    ofThree("two chunks swapped", "chunk 0", { pieces: [head, b, a, c] }),
    ofThree("the last chunk alone", "chunk 0", { pieces: [head, c] }),
    ofFull("a final chunk and more after it", "chunk 0", { pieces: [[0, 64 + chunk], [64, 100]] }),
    ofFull("an empty last chunk", "length", { pieces: [[0, 64 + chunk], [64, 80]] }),
    ofFull("less than a tag after a full chunk", "length", { pieces: [[0, 64 + chunk], [64, 79]] }),
    ofFull("a head and no chunk", "length", { pieces: [head] }),
    ofFull("half a head", "length", { pieces: [[0, 32]] }),
    ofFull("nothing at all", "length", { pieces: [] })
  ]
  const files: ReadonlyArray<VectorFile> = [
    { path: "cipher/three-chunks.bin", bytes: three.sealed },
    { path: "cipher/full-chunk.bin", bytes: full.sealed }
  ]
  return { cases, files }
}

const segment = (random: Random) => ({
  epoch: 1,
  writer: random(8),
  level: 1,
  first: 65_536,
  last: 131_071,
  session: random(4)
})
const blob = (random: Random) => ({ epoch: 1, writer: random(8), sha256: random(32) })

const nameVectors = (ring: KeyRingShape, random: Random) => {
  const later = makeKeyRing({
    vaultId: ring.vaultId,
    epochs: new Map([...ring.epochs.map((epoch) => [epoch, ring.master(epoch)!] as const), [
      2,
      Redacted.make(random(32))
    ]])
  })
  const segments = [
    { epoch: 0, writer: new Uint8Array(8), level: 0, first: 0, last: 0, session: new Uint8Array(4) },
    segment(random),
    { ...segment(random), level: 255, first: 2 ** 48 - 1, last: 2 ** 48 - 1 }
  ]
  const good = segmentName(ring, segments[1]!)
  const blobs = [0, 1].map((epoch) => ({ ...blob(random), epoch }))
  const slotId = random(16)
  const bad = (name: string, expect: string, object: string) => ({ name, expect, object })
  return {
    ...ringOf(ring),
    segments: [
      ...segments.map((given, index) => ({
        name: `segment ${index}`,
        expect: "success",
        ...given,
        writer: hexOf(given.writer),
        session: hexOf(given.session),
        object: segmentName(ring, given)
      })),
      bad("what a desktop leaves", "foreign", "log/.DS_Store"),
      bad("a copy that a sync client made", "foreign", `${good} 2`),
      bad("upper case", "foreign", good.toUpperCase().replace("LOG/", "log/")),
      bad("a letter too few", "foreign", good.slice(0, -1)),
      bad("a bit set that stands for none", "foreign", `${good.slice(0, -1)}${good.endsWith("b") ? "c" : "b"}`),
      bad("an epoch to come", "newer epoch", segmentName(later, { ...segments[1]!, epoch: 2 })),
      bad("another epoch's", "unauthentic", good.replace("log/aaab", "log/aaaa")),
      bad("one letter changed", "unauthentic", `${good.slice(0, 20)}${good[20] === "a" ? "b" : "a"}${good.slice(21)}`),
      bad("another vault's", "unauthentic", segmentName(otherVault(ring), segments[1]!))
    ],
    blobs: blobs.map((given) => ({
      epoch: given.epoch,
      writer: hexOf(given.writer),
      sha256: hexOf(given.sha256),
      object: blobName(ring, given)
    })),
    slots: [{ id: hexOf(slotId), object: slotName(slotId) }]
  }
}

const otherVault = (ring: KeyRingShape): KeyRingShape =>
  makeKeyRing({
    vaultId: new Uint8Array(32),
    epochs: new Map(ring.epochs.map((epoch) => [epoch, ring.master(epoch)!] as const))
  })

const vaultFileVectors = (ring: KeyRingShape) => {
  const good = new TextDecoder().decode(encodeVaultFile(ring))
  const bad = (name: string, expect: string, from: string, to: string) => ({
    name,
    expect,
    text: good.replace(from, to)
  })
  return [
    { name: "format 1", expect: "success", text: good, vaultId: hexOf(ring.vaultId) },
    bad("a later format", "unknown", "\"format\":1", "\"format\":2"),
    bad("no format", "malformed", "\"format\":1,", ""),
    bad("another magic", "malformed", "\"sealog\"", "\"sealed\""),
    bad("a vault id too short", "malformed", hexOf(ring.vaultId), hexOf(ring.vaultId.subarray(1))),
    bad("a field that format 1 does not have", "malformed", "}", ",\"more\":1}"),
    bad("not JSON", "malformed", "}", "")
  ]
}
