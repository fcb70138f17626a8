/** The bytes of events, form by form: what each value looks like, and that a reader takes nothing else. */
import { assert, describe, it } from "@effect/vitest"
import { compareUtf8, EventReader, EventWriter } from "@sealog/core/format/EventBytes"
import { FormatError } from "@sealog/core/format/FormatError"
import { EVENT_BYTES } from "@sealog/core/format/Limits"
import * as fc from "fast-check"
import { isUtf8 } from "node:buffer"
import { bytesOf, hexOf } from "../Corpora.ts"

const writer = new EventWriter()

const written = (write: (writer: EventWriter) => void): string => {
  writer.start("test")
  write(writer)
  return hexOf(writer.finish())
}

const read = <A>(hex: string, body: (reader: EventReader) => A): A => {
  const reader = new EventReader(bytesOf(hex), "test")
  const value = body(reader)
  reader.end()
  return value
}

const reasonOf = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    if (error instanceof FormatError) return error.reason
    throw error
  }
  return "ok"
}

/** LEB128, word for word. */
const leb128 = (value: bigint): string => {
  const bytes: Array<number> = []
  let rest = value
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return hexOf(Uint8Array.of(...bytes, Number(rest)))
}

const zigzag = (value: bigint): bigint => value < 0n ? -2n * value - 1n : 2n * value

/** Around each power of two, where one more byte, or another way to compute it, begins. */
const edges = Array.from({ length: 54 }, (_, bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1])
  .flat().filter(Number.isSafeInteger)

describe("a number", () => {
  it("has one form, LEB128 in the fewest bytes", () => {
    for (const value of edges) {
      const hex = leb128(BigInt(value))
      assert.strictEqual(written((to) => to.varint(value)), hex)
      assert.strictEqual(written((to) => to.size(value)), hex)
      assert.strictEqual(read(hex, (from) => from.varint()), value)
      for (let cut = 0; cut < hex.length; cut += 2) {
        assert.strictEqual(reasonOf(() => read(hex.slice(0, cut), (from) => from.varint())), "Truncated")
      }
    }
    const refusal = (hex: string) => reasonOf(() => read(hex, (from) => from.varint()))
    assert.strictEqual(refusal("00"), "ok")
    assert.strictEqual(refusal("8000"), "Malformed")
    assert.strictEqual(refusal("ffffffffffffff0f"), "ok")
    assert.strictEqual(refusal("ffffffffffffff00"), "Malformed")
    assert.strictEqual(refusal("ffffffffffffff10"), "Limit")
    assert.strictEqual(refusal("ffffffffffffffff01"), "Limit")
    assert.strictEqual(refusal("ff".repeat(8)), "Limit")
    assert.strictEqual(refusal("ff".repeat(7)), "Truncated")
    for (const none of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      assert.strictEqual(reasonOf(() => written((to) => to.size(none))), "Malformed")
    }
  })

  it("counts no more than its limit, and no more than there are bytes", () => {
    const count = (hex: string, limit: number) => reasonOf(() => new EventReader(bytesOf(hex), "test").count(limit))
    assert.strictEqual(count("03000000", 3), "ok")
    assert.strictEqual(count("03000000", 2), "Limit")
    assert.strictEqual(count("030000", 3), "Truncated")
    assert.strictEqual(count("00", 0), "ok")
  })

  it("with a sign is zigzag, the same bytes as a number and as a bigint", () => {
    const signed = edges.flatMap((value) => [value, -value])
    for (const value of signed) {
      const hex = leb128(zigzag(BigInt(value)))
      assert.strictEqual(written((to) => to.int(value)), hex)
      assert.strictEqual(written((to) => to.int(BigInt(value))), hex)
      assert.strictEqual(read(hex, (from) => from.int()), value === 0 ? 0 : value)
      assert.strictEqual(read(hex, (from) => from.safeInt()), value === 0 ? 0 : value)
    }
    for (const none of [0.5, NaN, Infinity, 2 ** 53]) {
      assert.strictEqual(reasonOf(() => written((to) => to.int(none))), "Malformed")
    }
  })

  it("of 64 bits is exact, up to the last", () => {
    for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 63n) + 1n]) {
      const hex = leb128(zigzag(value))
      assert.strictEqual(written((to) => to.int(value)), hex)
      assert.strictEqual(read(hex, (from) => from.int()), value)
      assert.strictEqual(reasonOf(() => read(hex, (from) => from.safeInt())), "Limit")
    }
    assert.strictEqual(reasonOf(() => written((to) => to.int(2n ** 63n))), "Limit")
    assert.strictEqual(reasonOf(() => written((to) => to.int(-(2n ** 63n) - 1n))), "Limit")
    const refusal = (hex: string) => reasonOf(() => read(hex, (from) => from.int()))
    assert.strictEqual(refusal(leb128(2n ** 64n - 1n)), "ok")
    assert.strictEqual(refusal(leb128(2n ** 64n)), "Limit")
    assert.strictEqual(refusal(`${"ff".repeat(10)}01`), "Limit")
    assert.strictEqual(refusal("ff".repeat(10)), "Limit")
    assert.strictEqual(refusal("8000"), "Malformed")
    assert.strictEqual(refusal("80808080808000"), "Malformed")
    assert.strictEqual(refusal("8080808080808000"), "Malformed")
    assert.strictEqual(refusal("ffffffffffff00"), "Malformed")
    assert.strictEqual(refusal(`${"ff".repeat(9)}00`), "Malformed")
    assert.strictEqual(refusal("ff"), "Truncated")
    assert.strictEqual(refusal("ff".repeat(9)), "Truncated")
  })

  it("with a fraction is an IEEE double, and there is one NaN", () => {
    assert.strictEqual(written((to) => to.float64(-0.5)), "bfe0000000000000")
    assert.strictEqual(written((to) => to.float64(Infinity)), "7ff0000000000000")
    assert.strictEqual(written((to) => to.float64(NaN)), "7ff8000000000000")
    const other = new Float64Array(new BigUint64Array([0xfff8000000000001n]).buffer)[0]!
    assert.strictEqual(written((to) => to.float64(other)), "7ff8000000000000")
  })
})

describe("text", () => {
  const lengths = [0, 1, 2, 63, 64, 65, 127, 128, 129, 300]
  const fills = ["a", "\u007f", "\u0080", "é", "\uffff", "\u{1f512}"]

  it("is its length in bytes and UTF-8, whichever way it is written and read", () => {
    for (const length of lengths) {
      for (const fill of fills) {
        for (const text of [fill.repeat(length), `${"x".repeat(length)}${fill}`, `${fill}${"x".repeat(length)}`]) {
          const utf8 = Buffer.from(text)
          const hex = leb128(BigInt(utf8.length)) + utf8.toString("hex")
          assert.strictEqual(written((to) => to.text(text)), hex)
          assert.strictEqual(read(hex, (from) => from.text()), text)
          assert.strictEqual(read(hex, (from) => from.name()), text)
        }
      }
    }
  })

  it("with half a character is not written, and what is not UTF-8 is not read", () => {
    for (const length of lengths) {
      const around = "x".repeat(length)
      for (const half of ["\ud83d", "\udd12", "é\ud83d"]) {
        assert.strictEqual(reasonOf(() => written((to) => to.text(around + half + around))), "Malformed")
      }
      const ascii = hexOf(Buffer.from(around))
      for (const bad of ["c3", "80", "eda0bd", "ff"]) {
        const hex = leb128(BigInt(length + bad.length / 2)) + ascii + bad
        assert.strictEqual(reasonOf(() => read(hex, (from) => from.text())), "Malformed")
        assert.strictEqual(reasonOf(() => read(hex, (from) => from.name())), "Malformed")
      }
      assert.strictEqual(reasonOf(() => read(leb128(BigInt(length + 1)) + ascii, (from) => from.text())), "Truncated")
      assert.strictEqual(reasonOf(() => read(leb128(BigInt(length + 1)) + ascii, (from) => from.name())), "Truncated")
    }
  })

  it("that is read as a name is the one that stands there, though others look alike", () => {
    const alike = ["a-b.c-d", "a_b.c-d", "a-b.c_d", "azb.czd"]
    for (const text of [...alike, ...alike.toReversed(), ...alike, "a-b.c-é"]) {
      const utf8 = Buffer.from(text)
      assert.strictEqual(read(leb128(BigInt(utf8.length)) + utf8.toString("hex"), (from) => from.name()), text)
    }
    // The bytes before it, read backwards, go on as the name does that was read last.
    const before = `05${hexOf(Buffer.from("a\u0005xyz"))}`
    assert.strictEqual(read(before, (from) => from.name()), "a\u0005xyz")
    const here = hexOf(Buffer.from("zyx\u0005aZxYz"))
    assert.strictEqual(read(here, (from) => [hexOf(from.fixed(3)), from.name()])[1], "aZxYz")
    const first = hexOf(Buffer.from("\u0007a-b.c-d"))
    assert.strictEqual(reasonOf(() => read(first.replace(/2d64$/, "ad64"), (from) => from.name())), "Malformed")
  })

  it("that is read as a name is never another one's bytes, though they are its characters", () => {
    for (let a = 0x80; a < 0x100; a++) {
      for (let b = 0x40; b < 0x100; b++) {
        const text = String.fromCharCode(a, b)
        const utf8 = Buffer.from(text)
        const latin1 = Buffer.from(text, "latin1")
        assert.strictEqual(read(hexOf(Uint8Array.of(utf8.length, ...utf8)), (from) => from.name()), text)
        const reason = reasonOf(() => new EventReader(Uint8Array.of(2, ...latin1), "test").name())
        assert.strictEqual(reason, isUtf8(latin1) ? "ok" : "Malformed")
      }
    }
  })

  it("of one byte a character holds any byte, and nothing else", () => {
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code))
    const hex = `8002${Buffer.from(all, "latin1").toString("hex")}`
    assert.strictEqual(written((to) => to.byteName(all)), hex)
    assert.strictEqual(read(hex, (from) => from.byteName()), all)
    assert.strictEqual(reasonOf(() => written((to) => to.byteName("a\u0100"))), "Malformed")
    assert.strictEqual(reasonOf(() => read("0261", (from) => from.byteName())), "Truncated")
    assert.strictEqual(written((to) => to.byteName("")), "00")
  })

  it("sorts as its bytes do", () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom("a", "é", "\ud7ff", "\ue000", "\uffff"), fc.string()) })
    fc.assert(fc.property(text, text, (left, right) => {
      if (/\p{Surrogate}/u.test(left + right)) return
      assert.strictEqual(Math.sign(compareUtf8(left, right)), Buffer.compare(Buffer.from(left), Buffer.from(right)))
    }))
    const ascending = [
      "",
      "\u0000",
      "a",
      "aa",
      "b",
      "\ud7ff",
      "\ue000",
      "\uffff",
      "\u{10000}",
      "\u{10001}",
      "\u{103fe}",
      "\u{103ff}",
      "\u{10400}",
      "\u{10ffff}"
    ]
    for (const [at, left] of ascending.entries()) {
      for (const [place, right] of ascending.entries()) {
        assert.strictEqual(Math.sign(compareUtf8(left, right)), Math.sign(at - place), JSON.stringify([left, right]))
      }
    }
  })
})

describe("bytes", () => {
  it("are written after their length, or alone where it is known, and read as views", () => {
    const long = new Uint8Array(200).fill(7)
    assert.strictEqual(written((to) => to.bytes(long)), `c801${hexOf(long)}`)
    assert.deepStrictEqual(read(`c801${hexOf(long)}`, (from) => from.bytes()), long)
    assert.strictEqual(written((to) => to.fixed(Uint8Array.of(1, 2), 2)), "0102")
    assert.strictEqual(reasonOf(() => written((to) => to.fixed(Uint8Array.of(1, 2), 3))), "Malformed")
    assert.strictEqual(reasonOf(() => read("0301", (from) => from.bytes())), "Truncated")
    const inside = new Uint8Array([9, 9, 1, 2, 3, 9]).subarray(2, 5)
    for (const bytes of [inside, Buffer.from(inside.buffer, 2, 3)]) {
      const reader = new EventReader(bytes, "test")
      assert.strictEqual(reader.u8(), 1)
      const view = reader.fixed(2)
      assert.deepStrictEqual(view, Uint8Array.of(2, 3))
      assert.strictEqual(view.buffer, inside.buffer)
      assert.strictEqual(reasonOf(() => reader.u8()), "Truncated")
    }
  })

  it("are all taken, or there are too many", () => {
    assert.strictEqual(reasonOf(() => read("0000", (from) => from.u8())), "Malformed")
    assert.strictEqual(reasonOf(() => read("00", (from) => from.u8())), "ok")
  })

  it("are given as a copy, or as a view that the next event overwrites", () => {
    writer.start("test")
    writer.raw(Uint8Array.of(1, 2))
    const copy = writer.copy()
    const view = writer.finish()
    assert.deepStrictEqual([hexOf(copy), hexOf(view)], ["0102", "0102"])
    writer.start("test")
    writer.u8(9)
    assert.deepStrictEqual([hexOf(copy), hexOf(view)], ["0102", "0902"])
  })
})

/** Verifies: EVT-4 */
describe("the longest event", () => {
  const writes: ReadonlyArray<readonly [string, number, (to: EventWriter) => void]> = [
    ["a byte", 1, (to) => to.u8(1)],
    ["a number", 2, (to) => to.varint(300)],
    ["a long number", 8, (to) => to.varint(2 ** 53 - 1)],
    ["an integer", 10, (to) => to.int(-(2n ** 63n))],
    ["a fraction", 8, (to) => to.float64(0.5)],
    ["a NaN", 8, (to) => to.float64(NaN)],
    ["raw bytes", 5, (to) => to.raw(Uint8Array.of(1, 2, 3, 4, 5))],
    ["bytes", 6, (to) => to.bytes(Uint8Array.of(1, 2, 3, 4, 5))],
    ["short text", 5, (to) => to.text("text")],
    ["short text of other letters", 5, (to) => to.text("éé")],
    ["long text", 102, (to) => to.text("é".repeat(50))],
    ["a file's name", 5, (to) => to.byteName("text")]
  ]

  for (const [what, length, write] of writes) {
    it(`ends with ${what} that just fits, and with none that does not`, () => {
      const fill = (rest: number) => (to: EventWriter) => {
        to.raw(new Uint8Array(EVENT_BYTES - rest))
        write(to)
      }
      const alone = written(write)
      const size = alone.length / 2
      assert.isAtMost(size, length)
      const full = written(fill(size))
      assert.strictEqual(full.length / 2, EVENT_BYTES)
      assert.isTrue(full.endsWith(alone))
      for (let lacking = 1; lacking <= size; lacking++) {
        assert.strictEqual(reasonOf(() => written(fill(size - lacking))), "Limit")
        assert.strictEqual(
          reasonOf(() => {
            writer.start("test")
            fill(size - lacking)(writer)
            writer.copy()
          }),
          "Limit"
        )
      }
      assert.strictEqual(written(write), alone)
    })
  }

  it("is read, and none longer", () => {
    assert.strictEqual(reasonOf(() => new EventReader(new Uint8Array(EVENT_BYTES), "test")), "ok")
    assert.strictEqual(reasonOf(() => new EventReader(new Uint8Array(EVENT_BYTES + 1), "test")), "Limit")
  })
})
