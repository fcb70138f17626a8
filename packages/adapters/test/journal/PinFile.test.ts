/** The pinned head in its file. */
import { FileSystem } from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import { makePinFile } from "@sealog/adapters/journal/PinFile"
import { layerMemory, type Pin } from "@sealog/core/backup/HeadPin"
import { HeadPin } from "@sealog/core/backup/HeadPin"
import { KeyRing } from "@sealog/core/keys/KeyRing"
import { Effect } from "effect"
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { freshFolder } from "../support.ts"
import { ringOf, services } from "./support.ts"

const headOf = (n: number) => ({ writer: new Uint8Array(8).fill(n), size: n, root: new Uint8Array(32).fill(n) })

const PIN: Pin = {
  epoch: 0,
  slots: [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)],
  journal: headOf(3),
  targets: { disk: headOf(4), "Grüße": headOf(5) }
}

const pinAt = Effect.map(freshFolder, (folder) => `${folder}/head.pin`)

describe("a pinned head", () => {
  /** Verifies: JRNL-18 */
  it.scoped("is Missing, then made once, then changed as a whole", () =>
    Effect.gen(function*() {
      const path = yield* pinAt
      for (const pin of [yield* makePinFile(path), yield* Effect.provide(HeadPin, layerMemory())]) {
        assert.strictEqual((yield* Effect.flip(pin.read)).reason, "Missing")
        assert.strictEqual((yield* Effect.flip(pin.update((old) => old))).reason, "Missing")
        yield* pin.create(PIN)
        assert.strictEqual((yield* Effect.flip(pin.create(PIN))).reason, "Exists")
        yield* pin.update((old) => ({ ...old, journal: headOf(9) }))
        assert.deepStrictEqual(yield* pin.read, { ...PIN, journal: headOf(9) })
      }
      const again = yield* makePinFile(path)
      assert.strictEqual((yield* again.read).journal.size, 9)
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-18 */
  it.scoped("loses no update of many at once, and leaves no other file", () =>
    Effect.gen(function*() {
      const path = yield* pinAt
      const pin = yield* makePinFile(path)
      yield* pin.create(PIN)
      yield* Effect.forEach(Array.from({ length: 20 }, (_, n) => n), (n) =>
        pin.update((old) => ({ ...old, targets: { ...old.targets, [`t${n}`]: headOf(n) } })), { concurrency: 20 })
      assert.strictEqual(Object.keys((yield* pin.read).targets).length, 22)
      assert.deepStrictEqual(readdirSync(path.slice(0, path.lastIndexOf("/"))), ["head.pin"])
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-19 */
  it.scoped("is refused with any bit flipped, any end cut off, and under other keys", () =>
    Effect.gen(function*() {
      const path = yield* pinAt
      const pin = yield* makePinFile(path)
      yield* pin.create(PIN)
      const bytes = readFileSync(path)
      for (let bit = 0; bit < bytes.length * 8; bit += 7) {
        const flipped = Buffer.from(bytes)
        flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << bit % 8)
        writeFileSync(path, flipped)
        assert.include(["Corrupt", "WrongKey", "Unsupported"], (yield* Effect.flip(pin.read)).reason)
      }
      for (let length = 0; length < bytes.length; length += 11) {
        writeFileSync(path, bytes.subarray(0, length))
        assert.strictEqual((yield* Effect.flip(pin.read)).reason, "Corrupt")
      }
      writeFileSync(path, bytes)
      const other = yield* makePinFile(path).pipe(Effect.provideService(KeyRing, ringOf(1, 9)))
      assert.strictEqual((yield* Effect.flip(other.read)).reason, "Corrupt")
      assert.deepStrictEqual(yield* pin.read, PIN)
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-19 */
  it.scoped("tells keys that are older than it", () =>
    Effect.gen(function*() {
      const path = yield* pinAt
      yield* Effect.flatMap(makePinFile(path), (pin) => pin.create(PIN)).pipe(Effect.provideService(KeyRing, ringOf(2)))
      assert.strictEqual((yield* Effect.flip((yield* makePinFile(path)).read)).reason, "WrongKey")
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-18 */
  it.scoped("stays as it was where it cannot be written", () =>
    Effect.gen(function*() {
      const path = yield* pinAt
      const fs = yield* FileSystem
      yield* Effect.flatMap(makePinFile(path), (pin) => pin.create(PIN))
      const full: FileSystem = { ...fs, rename: () => fs.rename("/nowhere/a", "/nowhere/b") }
      const pin = yield* makePinFile(path).pipe(Effect.provideService(FileSystem, full))
      assert.strictEqual((yield* Effect.flip(pin.update((old) => ({ ...old, epoch: 1 })))).reason, "Io")
      assert.deepStrictEqual(yield* pin.read, PIN)
      assert.deepStrictEqual(readdirSync(path.slice(0, path.lastIndexOf("/"))), ["head.pin"])
    }).pipe(Effect.provide(services)))
})
