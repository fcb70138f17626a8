/**
 * A vault with everything in it that the format knows, written by the program and read by a reader that was made from
 * `docs/format.md` alone: both come to the same facts.
 */
import { assert, describe, it } from "@effect/vitest"
import { Storage, StorageError, type StorageShape } from "@sealog/core/backup/Storage"
import { createVault } from "@sealog/core/backup/Vault"
import { sealBlob, sealSegment } from "@sealog/core/backup/VaultObjects"
import { decodeEvent, encodeEvent } from "@sealog/core/format/EventCodec"
import { packRuns } from "@sealog/core/format/Run"
import { compactRuns } from "@sealog/core/format/RunMerge"
import * as Entropy from "@sealog/core/keys/Entropy"
import * as Kdf from "@sealog/core/keys/Kdf"
import { generateKeyRing, generateVaultId, type KeyRingShape, rotateKeyRing } from "@sealog/core/keys/KeyRing"
import { makeSlot } from "@sealog/core/keys/KeySlot"
import { makePassword } from "@sealog/core/keys/Password"
import { generateRecoveryCode } from "@sealog/core/keys/RecoveryCode"
import { fingerprintOf, formatFingerprint } from "@sealog/core/log/Fingerprint"
import { LogBuilder } from "@sealog/core/log/MerkleLog"
import { classOf, type Content, type Event, standsAlone } from "@sealog/core/message/Event"
import { contentOf } from "@sealog/core/message/EventContent"
import { restoredContent } from "@sealog/core/restore/Contents"
import { type FetchShape, makeFetch } from "@sealog/core/restore/Fetch"
import { openLog } from "@sealog/core/restore/Open"
import { groupPlaced } from "@sealog/core/testing/Windows"
import { Effect, Either, Layer, Redacted, Stream } from "effect"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { bytesOf, hexOf } from "../Corpora.ts"
import { Refused } from "./independentEvents.mjs"
import * as Independent from "./independentReader.mjs"
import { plainEvent } from "./plainEvent.ts"

const PASSWORD = "cafe\u0301 ﬁsch 12345"
const BEGIN = 1_700_000_000_000
const services = Layer.merge(Entropy.layerSeeded("independent reader"), Kdf.layer)
const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest())
const pattern = (length: number, step: number) => Uint8Array.from({ length }, (_, at) => (at * step) % 251)

/** Objects in a map: what both readers read. */
const makePlace = () => {
  const objects = new Map<string, Uint8Array>()
  const storage: Pick<StorageShape, "put" | "get" | "list"> = {
    put: (name, bytes) => Effect.sync(() => void objects.set(name, bytes)),
    get: (name, range) =>
      Effect.suspend(() => {
        const { length, offset } = range ?? { offset: 0, length: Infinity }
        const object = objects.get(name)
        return object === undefined
          ? new StorageError({ reason: "NotFound", method: "get", subject: name, retryable: false })
          : Effect.succeed(object.subarray(offset, offset + length))
      }),
    list: (prefix) =>
      Stream.fromIterable([...objects].map(([name, { length: size }]) => ({ name, size })))
        .pipe(Stream.filter(({ name }) => name.startsWith(prefix)))
  }
  return { objects, storage: Storage.of(storage as StorageShape) }
}

const placeOf = (objects: ReadonlyMap<string, Uint8Array>): Independent.Place => ({
  get: (name) => objects.get(name)!,
  list: () => [...objects].map(([name, { length: size }]) => ({ name, size }))
})

/** Every kind with the least and the most it can have, from the frozen vectors; none that leads elsewhere. */
const vectors = new URL("../../../../docs/vectors/events/", import.meta.url)
const everyKind = readdirSync(vectors).filter((name) => name.startsWith("ok-"))
  .map((name) => decodeEvent(bytesOf(JSON.parse(readFileSync(new URL(name, vectors), "utf8")).hex)))
  .filter((event) => (contentOf(event)?._tag ?? "inline") === "inline")

const chat = (number: number): Event => ({
  kind: "message.added",
  recordedAt: 0,
  source: "imessage",
  conversation: `chat ${number * number % 7}`,
  message: {
    key: `m${number}`,
    at: BEGIN - number,
    type: "text",
    text: `number ${number} of many, ${"so ".repeat(number % 40)}`
  }
})

const mail = (number: number, content: Content): Event => ({
  kind: "message.added",
  recordedAt: 0,
  source: "maildir",
  conversation: "INBOX",
  message: { key: `mail ${number}`, type: "mail", content }
})

/** A writer that seals what it is given: segments of these lengths, the last one also as parts of one that overlaps. */
const write = Effect.fn("test.write")(function*(options: {
  readonly storage: StorageShape
  readonly ring: KeyRingShape
  readonly writer: Uint8Array
  readonly epoch: number
  readonly level?: number
  readonly log: LogBuilder
  readonly events: ReadonlyArray<Event>
}) {
  const { epoch, level = 0, log, ring, storage, writer } = options
  const entropy = yield* Entropy.Entropy
  const first = log.size
  const before = log.head()
  const events = options.events.map((event, at): Event => ({ ...event, recordedAt: BEGIN + (first + at) * 1_000 }))
  const placed = events.map((event) => ({
    source: event.source,
    conversation: event.conversation,
    class: classOf(event.kind),
    alone: standsAlone(event),
    bytes: encodeEvent(event)
  }))
  for (const { bytes } of placed) log.append(bytes)
  const after = log.head()
  // Two blocks, so that runs are merged and their indices have gaps.
  const half = Math.ceil(placed.length / 2)
  const windows = [...groupPlaced(first, placed.slice(0, half)), ...groupPlaced(first + half, placed.slice(half))]
  const runs = yield* compactRuns(yield* packRuns(windows))
  const last = log.size - 1
  const sealed = yield* sealSegment({
    ring,
    entropy,
    name: { epoch, writer, level, first, last, session: entropy.bytes(4) },
    contents: {
      writer,
      first,
      last,
      before,
      after,
      runs,
      recordedFrom: events[0]!.recordedAt,
      recordedTo: events.at(-1)!.recordedAt
    }
  })
  yield* storage.put(sealed.object, sealed.bytes)
  return sealed.object
})

const makeVault = Effect.gen(function*() {
  const entropy = yield* Entropy.Entropy
  const place = makePlace()
  const { storage } = place
  const ring = yield* Effect.flatMap(Effect.flatMap(generateVaultId, generateKeyRing), rotateKeyRing)
  const code = yield* generateRecoveryCode
  const floor = { memoryKiB: 64 * 1024, passes: 3, lanes: 1 }
  const password = Either.getOrThrow(makePassword(PASSWORD))
  const slots = [
    yield* makeSlot({ kind: "password", secret: password, ring, params: floor }),
    yield* makeSlot({ kind: "recovery", secret: code, ring })
  ]
  yield* createVault({ storage, subject: "test", vaultId: ring.vaultId, slots })

  const [one, two] = [entropy.bytes(8), entropy.bytes(8)]
  const parts = [pattern(90_000, 3), pattern(70_001, 5)]
  for (const bytes of parts) {
    const blob = yield* sealBlob({ ring, entropy, epoch: 1, writer: one, sha256: sha256(bytes), bytes })
    yield* storage.put(blob.object, blob.bytes)
  }
  const whole = Buffer.concat(parts)
  const blob: Content = {
    _tag: "blob",
    sha256: sha256(whole),
    size: whole.length,
    writer: one,
    epoch: 1,
    parts: parts.map((bytes) => ({ sha256: sha256(bytes), size: bytes.length }))
  }
  const inline = pattern(100_000, 7)
  const same: Content = { _tag: "same", sha256: sha256(inline), size: inline.length, writer: one, index: 0 }
  const bulk = Array.from({ length: 60 }, (_, n) => mail(n, { _tag: "inline", bytes: pattern(1_500 + n, n + 1) }))

  const log = LogBuilder.empty()
  const under = { storage, ring, writer: one }
  yield* write({ ...under, epoch: 0, log, events: [mail(900, { _tag: "inline", bytes: inline }), ...everyKind] })
  const long = yield* write({ ...under, epoch: 1, log, events: Array.from({ length: 1_000 }, (_, n) => chat(n)) })
  // The same events once more, as compaction leaves them for a while: two segments, and one that covers both.
  const covered = LogBuilder.make(log.head(), log.openEvents())
  yield* write({ ...under, epoch: 1, log, events: [...bulk, mail(901, same)] })
  yield* write({ ...under, epoch: 1, log, events: [mail(902, blob)] })
  yield* write({ ...under, epoch: 1, level: 1, log: covered, events: [...bulk, mail(901, same), mail(902, blob)] })
  yield* write({
    ...under,
    writer: two,
    epoch: 1,
    log: LogBuilder.empty(),
    events: [
      {
        kind: "log.continues",
        recordedAt: 0,
        source: "",
        conversation: "",
        writer: one,
        size: 0,
        root: sha256(new Uint8Array(0))
      },
      chat(5)
    ]
  })
  yield* storage.put("log/.DS_Store", new Uint8Array(10))
  return { ...place, ring, code, long }
})

/** What our own reader says of a vault, in the words of the other. */
const ourFacts = Effect.fn("test.ourFacts")(function*(storage: StorageShape, ring: KeyRingShape) {
  const fetch = yield* makeFetch([{ name: "test", storage }], ring)
  const contents: Array<string> = []
  const writers = yield* Effect.forEach(fetch.writers, (log) =>
    Effect.gen(function*() {
      const events: Array<Event> = []
      const opened = yield* openLog(fetch, log, {
        take: (taken) => Effect.sync(() => void events.push(...taken.events.map(decodeEvent)))
      })
      assert.deepStrictEqual(opened.findings, [])
      assert.isTrue(opened.proven)
      for (const event of events) contents.push(...(yield* hashOf(fetch, contentOf(event))))
      const { head, writer } = opened
      const fingerprint = fingerprintOf({ vaultId: ring.vaultId, epoch: ring.newest, writer, head })
      return {
        writer: `hex:${hexOf(writer)}`,
        size: head.size,
        root: `hex:${hexOf(head.root)}`,
        fingerprint: formatFingerprint(fingerprint),
        events: events.map(plainEvent)
      }
    }))
  return {
    vaultId: `hex:${hexOf(ring.vaultId)}`,
    segments: fetch.writers.reduce((sum, { segments }) => sum + segments.length, 0),
    contents,
    writers
  }
})

const hashOf = Effect.fn("test.hashOf")(function*(fetch: FetchShape, content: Content | undefined) {
  if (content === undefined) return []
  const bytes = yield* Stream.runCollect(restoredContent(fetch, content).bytes)
  return [`hex:${hexOf(sha256(Buffer.concat([...bytes])))}`]
})

describe("the vaults of earlier versions", () => {
  const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url))
  for (const name of readdirSync(fixtures).filter((each) => each.startsWith("vault-"))) {
    /** Verifies: DOC-1 */
    it(`${name}: is proven by a reader made from docs/format.md alone`, async () => {
      const read = (file: string) => readFileSync(join(fixtures, name, file), "utf8").trimEnd()
      const { fingerprint, treeSize, writers } = JSON.parse(read("expected.json"))
      for (const secret of [read("password.txt"), read("recovery-code.txt")]) {
        const vault = await Independent.openVault(Independent.folder(join(fixtures, name, "vault")), secret)
        const facts = Independent.readVault(vault)
        assert.strictEqual(facts.writers.length, writers)
        assert.strictEqual(facts.writers.reduce((sum, { size }) => sum + size, 0), treeSize)
        assert.include(facts.writers.map((writer) => writer.fingerprint), fingerprint)
        assert.isAbove(facts.blobs, 0)
      }
    })
  }
})

describe("a vault", () => {
  /** Verifies: DOC-1 */
  it.effect("holds for a reader made from docs/format.md alone what it holds for us", () =>
    Effect.gen(function*() {
      const { code, objects, ring, storage } = yield* makeVault
      const ours = yield* ourFacts(storage, ring)
      assert.isAbove(ours.writers.length, 1)
      for (const secret of [PASSWORD, Redacted.value(code).toUpperCase()]) {
        const theirs = Independent.readVault(
          yield* Effect.promise(() => Independent.openVault(placeOf(objects), secret))
        )
        assert.deepStrictEqual(theirs, { ...ours, blobs: 2 })
      }
    }).pipe(Effect.provide(services)))

  it.effect("lets it read a trailer by two ranges", () =>
    Effect.gen(function*() {
      const { long, objects } = yield* makeVault
      const vault = yield* Effect.promise(() => Independent.openVault(placeOf(objects), PASSWORD))
      const name = Independent.readSegmentName(vault.vaultId, vault.keys, long)
      if (typeof name === "string") return assert.fail(name)
      const object = objects.get(long)!
      let read = 0
      const trailer = Independent.trailerByRange(vault, name, object.length, (offset, length) => {
        read += length
        return object.subarray(offset, offset + length)
      })
      assert.deepInclude(trailer, { writer: `hex:${name.writer}`, first: name.first, last: name.last })
      assert.isAtMost(read, 64 + 65_552)
    }).pipe(Effect.provide(services)))

  it.effect("is refused by it where any object was changed, and where the password is another", () =>
    Effect.gen(function*() {
      const { objects } = yield* makeVault
      const vault = yield* Effect.promise(() => Independent.openVault(placeOf(objects), PASSWORD))
      const refused = (name: string, at: number) => {
        const changed = Uint8Array.from(objects.get(name)!)
        changed.set([changed.at(at)! ^ 1], at < 0 ? changed.length + at : at)
        try {
          return Independent.readVault({ ...vault, get: placeOf(new Map(objects).set(name, changed)).get })
        } catch (error) {
          return error
        }
      }
      const names = [...objects.keys()].filter((name) => /^(?:log|blobs)\/[a-z2-7]+$/.test(name))
      for (const at of [0, 40, 70, -1]) {
        const outcomes = names.map((name) => refused(name, at))
        const damage = outcomes.filter((outcome) => outcome instanceof Refused && outcome.reason === "damage")
        // The two segments that a third one covers are not opened at all.
        assert.strictEqual(damage.length, names.length - 2)
      }
      const wrong = yield* Effect.promise(() =>
        Independent.openVault(placeOf(objects), "another").catch((error) => error)
      )
      assert.instanceOf(wrong, Refused)
    }).pipe(Effect.provide(services)))
})
