/** What the journal writes, to the byte: its keys in the order of the log, its records, and the seal around them. */
import { assert, describe, it } from "@effect/vitest"
import { contentWrites, digest } from "@sealog/adapters/journal/LevelContents"
import * as Keys from "@sealog/adapters/journal/LevelKeys"
import * as Records from "@sealog/adapters/journal/LevelRecords"
import { makeLevelSeal, read } from "@sealog/adapters/journal/LevelSeal"
import { changeStates, replaceState, shouldFold } from "@sealog/adapters/journal/LevelState"
import { ByteWriter } from "@sealog/core/format/Binary"
import { FormatError } from "@sealog/core/format/FormatError"
import { Entropy } from "@sealog/core/keys/Entropy"
import { Effect, Either } from "effect"
import { createHmac } from "node:crypto"
import { ringOf, services } from "./support.ts"

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")
const hash = (fill: number) => new Uint8Array(32).fill(fill)
const head = (size: number, recordedAt = 5) => ({ size, root: hash(size), recordedAt, peaks: [hash(1), hash(2)] })

describe("a key of LevelDB", () => {
  it("is a kind, a log and a place, so that bytes sort as the log does", () => {
    assert.deepStrictEqual([Keys.FORMAT, Keys.CHECK, Keys.ROOT, Keys.CURRENT].map(hex), ["00", "01", "02", "03"])
    assert.strictEqual(hex(Keys.note(Uint8Array.of(7, 8))), "040708")
    assert.strictEqual(hex(Keys.statePart(0x0102, 0x03040506, 0x0708090a)), "05010203040506000708090a")
    assert.strictEqual(hex(Keys.stateDelta(0x0102, 0x03040506, 0x0708090a)), "05010203040506010708090a")
    assert.strictEqual(hex(Keys.inLog(0x0102, Keys.ENTRY, 0x030405060708)), "10010201030405060708")
    assert.strictEqual(hex(Keys.inLog(0xffff, Keys.HEAD, 1)), "10ffff02000000000001")
    assert.strictEqual(hex(Keys.inLog(0, Keys.LEAVES, 2 ** 48 - 1)), "10000003ffffffffffff")
    assert.strictEqual(hex(Keys.content(0x0102, Uint8Array.of(9))), "1001020409")
    assert.strictEqual(Keys.placeOf(Keys.inLog(3, Keys.HEAD, 2 ** 40 + 5)), 2 ** 40 + 5)
    const inside = Buffer.concat([Buffer.of(1, 2, 3), Keys.inLog(3, Keys.HEAD, 77)]).subarray(3)
    assert.strictEqual(Keys.placeOf(inside), 77)
  })

  it("stands in the range it is meant for, and in no other", () => {
    const range = ({ gte, lt }: Keys.Range) => [hex(gte), hex(lt)]
    assert.deepStrictEqual(range(Keys.from(1, Keys.HEAD, 5)), ["10000102000000000005", "10000103"])
    assert.deepStrictEqual(range(Keys.before(1, Keys.LEAVES, 5)), ["10000103000000000000", "10000103000000000005"])
    assert.deepStrictEqual(range(Keys.contentsOf(1)), ["10000104", "10000105"])
    assert.deepStrictEqual(range(Keys.logsFrom(2)), ["10000201000000000000", "11"])
    assert.strictEqual(Keys.LOGS, 65_535)
  })
})

describe("a record", () => {
  const refused = (decoded: Either.Either<unknown, FormatError>) =>
    Either.match(decoded, { onLeft: ({ reason }) => reason, onRight: () => "read" })

  /** Reads back what was written, and takes it neither cut nor with more behind it. */
  const exact = <A>(bytes: Uint8Array, decode: (bytes: Uint8Array) => Either.Either<A, FormatError>): A => {
    for (let length = 0; length < bytes.length; length++) {
      assert.isTrue(Either.isLeft(decode(bytes.subarray(0, length))), `${length}`)
    }
    assert.strictEqual(refused(decode(Buffer.concat([bytes, Buffer.of(0)]))), "Malformed")
    return Either.getOrThrow(decode(bytes))
  }

  it("of the root has the logs, the heads where they were left, and the sessions", () => {
    const root = {
      secret: hash(7),
      logs: [
        { number: 0, writer: new Uint8Array(8).fill(1), left: head(9, -3) },
        { number: 0x102, writer: new Uint8Array(8).fill(2), left: undefined }
      ],
      sessions: [new Uint8Array(4).fill(3), new Uint8Array(4).fill(4)]
    }
    assert.deepStrictEqual(exact(Records.encodeRoot(root), Records.decodeRoot), root)
    const empty = { secret: hash(7), logs: [], sessions: [] }
    assert.strictEqual(hex(Records.encodeRoot(empty)), `${hex(hash(7))}0000`)
    assert.deepStrictEqual(exact(Records.encodeRoot(empty), Records.decodeRoot), empty)
  })

  it("of where it stands has the counts of states and notes", () => {
    const state = { number: 1, name: "grüße", generation: 2, parts: 3, partBytes: 400, deltas: 5, deltaBytes: 600 }
    const note = { digest: new Uint8Array(16).fill(8), version: 300 }
    const current = { writes: 2 ** 40, log: 3, size: 2 ** 41, states: [state, { ...state, number: 2 }], notes: [note] }
    assert.deepStrictEqual(exact(Records.encodeCurrent(current), Records.decodeCurrent), current)
  })

  it("of a head, of leaves, of a note and of a mark come back", () => {
    for (const recordedAt of [0, -1, 1_700_000_000_000, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]) {
      const { root } = head(3)
      assert.deepStrictEqual(exact(Records.encodeHead(head(3, recordedAt)), Records.decodeHead), { root, recordedAt })
    }
    const time = (text: string) => Records.decodeHead(new ByteWriter().raw(hash(1)).text(text).finish())
    assert.strictEqual(refused(time("5")), "read")
    for (const text of ["x", "0.5", "9007199254740992", "1e400"]) assert.strictEqual(refused(time(text)), "Malformed")
    assert.strictEqual(refused(time("1".repeat(18))), "Limit")
    const leaves = { leaves: [hash(1), hash(2), hash(3)], peaks: [hash(4)] }
    assert.deepStrictEqual(exact(Records.encodeLeaves(leaves), Records.decodeLeaves), leaves)
    const note = { version: 7, name: "ship:disk", text: "é".repeat(50) }
    assert.deepStrictEqual(exact(Records.encodeNote(note), Records.decodeNote), note)
    const mark = { writes: 2 ** 40, writer: new Uint8Array(8).fill(1), size: 2 ** 41, root: hash(9) }
    assert.deepStrictEqual(exact(Records.encodeMark(mark), Records.decodeMark), mark)
  })

  it("of changes sets and forgets, in their order", () => {
    const delta = [["a", "1"], ["b", undefined], ["c", ""], ["a", "2"]] as const
    const bytes = Records.encodeDelta(delta)
    assert.strictEqual(hex(bytes), "040161010131016200016301000161010132")
    const table = new Map([["b", "gone"], ["d", "stays"]])
    assert.isTrue(Either.isRight(Records.applyDelta(bytes, table)))
    assert.deepStrictEqual([...table], [["d", "stays"], ["a", "2"], ["c", ""]])
    assert.isTrue(Either.isLeft(Records.applyDelta(bytes.subarray(0, 5), new Map())))
  })

  it("that counts more than can be there is refused", () => {
    const sessions = new ByteWriter().raw(hash(1)).varint(0).varint(200).zeros(3).finish()
    assert.strictEqual(refused(Records.decodeRoot(sessions)), "Limit")
  })
})

describe("the seal of a value", () => {
  const sealerOf = (ring = ringOf(2)) => Effect.map(Entropy, (entropy) => makeLevelSeal(ring, entropy))
  const place = { key: Uint8Array.of(1, 2), writer: new Uint8Array(8).fill(3) }

  it.effect("is bound to key, writer, vault and epoch", () =>
    Effect.gen(function*() {
      const sealer = yield* sealerOf()
      const value = sealer.seal(place, Uint8Array.of(9))
      assert.strictEqual(Buffer.from(value).readUInt16BE(), 1)
      assert.deepStrictEqual(Either.getOrThrow(sealer.open(place, value)), Uint8Array.of(9))
      const why = (at: typeof place | { readonly key: Uint8Array }, bytes: Uint8Array, by = sealer) =>
        Either.match(by.open(at, bytes), { onLeft: (reason) => reason as string, onRight: () => "opened" })
      assert.strictEqual(why({ ...place, key: Uint8Array.of(1, 3) }, value), "Corrupt")
      assert.strictEqual(why({ ...place, writer: new Uint8Array(8) }, value), "Corrupt")
      assert.strictEqual(why({ key: place.key }, value), "Corrupt")
      const without = sealer.seal({ key: place.key }, Uint8Array.of(9))
      assert.strictEqual(why({ key: place.key, writer: new Uint8Array(8) }, without), "opened")
      assert.strictEqual(why(place, value, yield* sealerOf(ringOf(2, 5))), "Corrupt")
      assert.strictEqual(why(place, value, yield* sealerOf(ringOf(1))), "WrongKey")
      assert.strictEqual(why(place, value, yield* sealerOf(ringOf(3))), "opened")
      for (const length of [0, 1, 2, 20, value.length - 1]) {
        assert.strictEqual(why(place, value.subarray(0, length)), "Corrupt", `${length}`)
      }
      const inside = Buffer.concat([Buffer.of(1, 2, 3), value]).subarray(3)
      assert.strictEqual(why(place, inside), "opened")
      const keyless = yield* sealerOf({ ...ringOf(1), key: () => undefined })
      assert.throws(() => keyless.seal(place, Uint8Array.of(9)), RangeError)
    }).pipe(Effect.provide(services)))

  it.effect("tells what is not there, does not open, is malformed, or of a newer program", () =>
    Effect.gen(function*() {
      const sealer = yield* sealerOf()
      const value = sealer.seal(place, Uint8Array.of(9))
      const fail = (reason: "Unknown" | "Malformed") => () => Either.left(new FormatError({ reason, what: "x" }))
      const what = { method: "read", subject: "it" }
      const reasonOf = (at: Uint8Array | undefined, decode: Parameters<typeof read>[3]) =>
        Effect.map(Effect.flip(read(sealer, place, at, decode, what)), ({ cause, reason }) => [reason, typeof cause])
      const fine = (bytes: Uint8Array) => Either.right(bytes)
      assert.deepStrictEqual(yield* read(sealer, place, value, fine, what), Uint8Array.of(9))
      assert.deepStrictEqual(yield* reasonOf(undefined, fine), ["Corrupt", "string"])
      assert.deepStrictEqual(yield* reasonOf(value.subarray(1), fine), ["Corrupt", "string"])
      assert.deepStrictEqual(yield* reasonOf(value, fail("Malformed")), ["Corrupt", "object"])
      assert.deepStrictEqual(yield* reasonOf(value, fail("Unknown")), ["Unsupported", "object"])
    }).pipe(Effect.provide(services)))
})

describe("where a content stands", () => {
  it("is kept under a keyed digest, with a proof that it is right", () => {
    const [secret, sha256] = [hash(5), "ab".repeat(32)]
    const mac = (...parts: ReadonlyArray<Uint8Array | string>) => {
      const keyed = createHmac("sha256", secret)
      for (const part of parts) keyed.update(part)
      return keyed.digest()
    }
    const [[key, value]] = contentWrites(secret, 3, [[sha256, 2 ** 40 + 1]]) as [[Uint8Array, Uint8Array]]
    assert.strictEqual(
      hex(digest(secret, Buffer.from(sha256, "hex"))),
      hex(mac(Buffer.from(sha256, "hex")).subarray(0, 16))
    )
    assert.strictEqual(hex(key), `10000304${hex(mac(Buffer.from(sha256, "hex")).subarray(0, 16))}`)
    const index = Buffer.from("010000000001", "hex")
    assert.strictEqual(hex(value), hex(index) + hex(mac("index", key, index).subarray(0, 8)))
  })
})

describe("what a source remembers", () => {
  it.effect("is written as changes, or as a snapshot in parts in the place of all there was", () =>
    Effect.gen(function*() {
      const sealer = makeLevelSeal(ringOf(1), yield* Entropy)
      const none = changeStates(sealer, [], [{ source: "a", delta: [] }])
      assert.deepStrictEqual(none, { states: [], writes: [] })
      const first = changeStates(sealer, [], [
        { source: "a", delta: [["k", "1"]] },
        { source: "b", delta: [["k", "2"]] },
        { source: "a", delta: [["k", "3"]] }
      ])
      assert.deepStrictEqual(first.states.map(({ deltas, name, number }) => [name, number, deltas]), [["a", 0, 2], [
        "b",
        1,
        1
      ]])
      assert.deepStrictEqual(first.writes.map(([key]) => hex(key)), [
        "050000000000000100000000",
        "050001000000000100000000",
        "050000000000000100000001"
      ])
      const lengths = first.writes.map(([, value]) => value!.length)
      assert.deepStrictEqual(first.states.map(({ deltaBytes }) => deltaBytes), [lengths[0]! + lengths[2]!, lengths[1]])
      const table = new Map(Array.from({ length: 8_193 }, (_, n) => [`k${n}`, `${n}`]))
      const second = replaceState(sealer, first.states, "a", table)
      assert.deepStrictEqual(second.states.map(({ name }) => name), ["a", "b"])
      const [record] = second.states
      assert.deepInclude(record, { number: 0, generation: 1, parts: 2, deltas: 0, deltaBytes: 0 })
      assert.deepStrictEqual(second.writes.map(([key, value]) => [hex(key), value === undefined]), [
        ["050000000000000100000000", true],
        ["050000000000000100000001", true],
        ["050000000000010000000000", false],
        ["050000000000010000000001", false]
      ])
      assert.strictEqual(record!.partBytes, second.writes[2]![1]!.length + second.writes[3]![1]!.length)
      const third = replaceState(sealer, second.states, "c", new Map())
      assert.deepInclude(third.states[2], { number: 2, name: "c", generation: 0, parts: 0, partBytes: 0 })
      assert.deepStrictEqual(third.writes, [])
      const again = replaceState(sealer, third.states, "a", new Map([["k", "v"]]))
      assert.deepStrictEqual(again.states.map(({ generation, name }) => [name, generation]), [["a", 2], ["b", 0], [
        "c",
        0
      ]])
      assert.deepStrictEqual(again.writes.map(([, value]) => value === undefined), [true, true, false])
    }).pipe(Effect.provide(services)))

  it("is folded once its changes outweigh it, and are worth it", () => {
    const state = (deltaBytes: number, partBytes: number) =>
      shouldFold({ number: 0, name: "", generation: 0, parts: 1, partBytes, deltas: 1, deltaBytes })
    assert.isFalse(state(256 * 1024, 0))
    assert.isTrue(state(256 * 1024 + 1, 0))
    assert.isFalse(state(1_000_000, 1_000_000))
    assert.isTrue(state(1_000_001, 1_000_000))
  })
})
