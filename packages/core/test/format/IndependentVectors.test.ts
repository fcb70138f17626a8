/** A reader written from `docs/format.md` alone comes to what the frozen vectors say, in all of their folders. */
import { assert, describe, it } from "@effect/vitest"
import { decodeEvent } from "@sealog/core/format/EventCodec"
import { readdirSync, readFileSync } from "node:fs"
import { bytesOf, hexOf } from "../Corpora.ts"
import { readEvent, Refused } from "./independentEvents.mjs"
import * as Independent from "./independentReader.mjs"
import { readSegment } from "./independentSegments.mjs"
import { plainEvent } from "./plainEvent.ts"

const folder = new URL("../../../../docs/vectors/", import.meta.url)
const readBytes = (name: string) => readFileSync(new URL(name, folder))
const readJson = (name: string) => JSON.parse(readBytes(name).toString())
const all = (name: string) => readdirSync(new URL(name, folder)).filter((file) => file.endsWith(".json"))

/** What came of it, or how it was refused. */
const attempt = <A>(body: () => A): A | "damage" | "unknown" => {
  try {
    return body()
  } catch (error) {
    if (error instanceof Refused) return error.reason
    throw error
  }
}

interface Epoch {
  readonly epoch: number
  readonly key: string
}

const keysOf = (vaultId: string, epochs: ReadonlyArray<Epoch>) =>
  new Map(epochs.map(({ epoch, key }) => [epoch, Independent.deriveKeys(bytesOf(vaultId), bytesOf(key))] as const))

describe("a reader made from docs/format.md alone", () => {
  /** Verifies: DOC-1 */
  it("derives the keys of the vectors", () => {
    for (const { epochs, keys, vaultId } of readJson("keys/key-ring.json").cases) {
      const derived = keysOf(vaultId, epochs)
      for (const { epoch, ...purposes } of keys) {
        for (const purpose of ["name", "segment", "blob", "blob-id"]) {
          assert.strictEqual(hexOf(derived.get(epoch)![purpose.replace("-", " ")]!), purposes[purpose])
        }
      }
    }
  })

  /** Verifies: DOC-1 */
  it("opens and refuses the slots of the vectors", () => {
    const { cases, recoveryCodes } = readJson("keys/slots.json")
    for (const { kek, words } of recoveryCodes) assert.strictEqual(hexOf(Independent.wordsToKey(words)), kek)
    for (const { epochs, expect, kek, name, slot } of cases) {
      const opened = attempt(() => Independent.openSlot(Independent.readSlot(bytesOf(slot)), bytesOf(kek)))
      if (expect === "success") {
        assert.isTrue(opened instanceof Map, name)
        if (epochs !== undefined && opened instanceof Map) {
          assert.deepStrictEqual([...opened].map(([epoch, key]) => ({ epoch, key: hexOf(key) })), epochs, name)
        }
      } else if (expect === "commitment") assert.isUndefined(opened, name)
      else assert.strictEqual(opened, expect === "unknown" ? "unknown" : "damage", name)
    }
  })

  /** Verifies: DOC-1 */
  it("opens and refuses the records and objects of the vectors", () => {
    for (const { aad, expect, key, name, plaintext, sealed } of readJson("cipher/records.json").cases) {
      const opened = attempt(() => Independent.openRecord(bytesOf(key), bytesOf(aad), bytesOf(sealed)))
      assert.strictEqual(
        typeof opened === "string" ? opened : hexOf(opened),
        plaintext ?? "damage",
        `${name} ${expect}`
      )
    }
    for (const given of readJson("cipher/objects.json").cases) {
      const base = given.file === undefined ? bytesOf(given.sealed) : readBytes(`cipher/${given.file}`)
      const pieces: ReadonlyArray<readonly [number, number]> = given.pieces ?? [[0, base.length]]
      const bytes = Buffer.concat(pieces.map(([from, to]) => base.subarray(from, to)))
      if (given.flip !== undefined) bytes[given.flip]! ^= 1
      const opened = attempt(() =>
        Independent.openObject(
          bytesOf(given.key),
          given.kind === "segment" ? 1 : 2,
          bytesOf(given.vaultId),
          given.object,
          bytes
        )
      )
      if (given.expect !== "success") assert.strictEqual(opened, "damage", given.name)
      else assert.deepStrictEqual([...opened], Array.from({ length: given.plaintextLength }, (_, i) => i % 251))
    }
  })

  /** Verifies: DOC-1 */
  it("reads the names and vault files of the vectors", () => {
    const { blobs, epochs, segments, slots, vaultId } = readJson("names/names.json")
    const keys = keysOf(vaultId, epochs)
    for (const { expect, name, object, ...said } of segments) {
      const read = Independent.readSegmentName(bytesOf(vaultId), keys, object)
      assert.deepStrictEqual(read, expect === "success" ? { name: object, ...said } : expect, name)
    }
    for (const { epoch, object, sha256, writer } of blobs) {
      assert.strictEqual(Independent.blobName(keys.get(epoch)!, epoch, bytesOf(writer), bytesOf(sha256)), object)
    }
    for (const { id, object } of slots) assert.strictEqual(Independent.slotName(bytesOf(id)), object)
    for (const { expect, name, text, vaultId: id } of readJson("names/vault-files.json").cases) {
      const read = attempt(() => Independent.readVaultFile(Buffer.from(text)))
      const expected = { success: id, unknown: "unknown" }[expect as string] ?? "damage"
      assert.strictEqual(typeof read === "string" ? read : hexOf(read), expected, name)
    }
  })

  /** Verifies: DOC-1 */
  it("reads and refuses the events of the vectors", () => {
    for (const name of all("events")) {
      const { expect, hex } = readJson(`events/${name}`)
      const event = attempt(() => readEvent(bytesOf(hex)).event)
      if (expect === "ok") assert.deepStrictEqual(event, plainEvent(decodeEvent(bytesOf(hex))), name)
      else assert.strictEqual(event, expect === "Unknown" ? "unknown" : "damage", name)
    }
  })

  /** Verifies: DOC-1 */
  it("reads and refuses the segments of the vectors", () => {
    for (const name of all("segments")) {
      const { contents, expect, plaintext } = readJson(`segments/${name}`)
      const pieces = plaintext as ReadonlyArray<string | number>
      const bytes = Buffer.concat(
        pieces.map((piece) => typeof piece === "string" ? bytesOf(piece) : Buffer.alloc(piece))
      )
      const segment = attempt(() => readSegment(bytes))
      if (typeof segment === "string") {
        assert.strictEqual(segment, expect.result === "Unknown" ? "unknown" : "damage", name)
        continue
      }
      const { events, trailer } = segment
      assert.strictEqual(expect.result, "Success", name)
      assert.deepStrictEqual(events.map((event) => hexOf(event.bytes)), contents.events)
      assert.deepInclude(contents, {
        writer: trailer.writer.slice(4),
        first: trailer.first,
        last: trailer.last,
        before: hexOf(trailer.before),
        after: hexOf(trailer.after),
        recordedFrom: trailer.recordedFrom,
        recordedTo: trailer.recordedTo
      })
    }
  })

  /** Verifies: DOC-1 */
  it("computes the heads of the vectors", () => {
    const { events, heads } = readJson("log/heads.json")
    for (const { root, size } of heads) {
      assert.strictEqual(hexOf(Independent.rootOf(events.slice(0, size).map(bytesOf))), root, `${size}`)
    }
  })
})
