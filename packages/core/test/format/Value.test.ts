import { assert, describe, it } from "@effect/vitest"
import { FormatError } from "@sealog/core/format/FormatError"
import { LIST_ENTRIES, VALUE_DEPTH } from "@sealog/core/format/Limits"
import * as Value from "@sealog/core/format/Value"
import { Either, Schema } from "effect"
import * as fc from "fast-check"
import { value as anyValue } from "../Arbitraries.ts"

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"))

const reasonOf = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    if (error instanceof FormatError) return error.reason
    throw error
  }
  return "ok"
}

const nested = (depth: number): Value.Value => depth === 0 ? 1 : [nested(depth - 1)]

describe("Value", () => {
  /** Verifies: EVT-7 */
  it("gives back every value, and its one encoding", () =>
    fc.assert(
      fc.property(anyValue, (value) => {
        const encoded = Value.encode(value)
        assert.deepEqual(plain(Value.decode(encoded)), plain(value))
        assert.strictEqual(hex(Value.encode(Value.decode(encoded))), hex(encoded))
      })
    ))

  it("goes through JSON text unchanged", () =>
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = JSON.stringify(Value.toJson(value))
        assert.strictEqual(hex(Value.encode(Value.fromJson(JSON.parse(text)))), hex(Value.encode(value)))
      })
    ))

  it("has one form for equal numbers", () => {
    for (const [left, right] of [[5, 5n], [0, -0], [-1, -1n], [2 ** 53 - 1, 2n ** 53n - 1n]] as const) {
      assert.strictEqual(hex(Value.encode(left)), hex(Value.encode(right)))
    }
    assert.strictEqual(hex(Value.encode(NaN)), "047ff8000000000000")
    assert.strictEqual(hex(Value.encode(2 ** 53)), "044340000000000000")
    assert.strictEqual(Value.decode(Value.encode(2n ** 53n)), 2n ** 53n)
  })

  it("is what its errors name", () => {
    for (
      const fails of [
        () => Value.decode(unhex("09")),
        () => Value.encode(undefined as never),
        () => Value.fromJson(undefined)
      ]
    ) assert.throws(fails, /^value: /)
  })

  it("refuses every other form", () => {
    const refused: ReadonlyArray<readonly [hex: string, reason: string]> = [
      ["", "Truncated"],
      ["09", "Unknown"],
      ["0000", "Malformed"],
      ["038000", "Malformed"],
      ["03ffffffffffffffffff02", "Limit"],
      ["038080808080808080808001", "Limit"],
      ["0380808080808080808000", "Malformed"],
      ["044014000000000000", "Malformed"],
      ["048000000000000000", "Malformed"],
      ["047ff8000000000001", "Malformed"],
      ["04fff8000000000000", "Malformed"],
      ["0501ff", "Malformed"],
      ["0503eda080", "Malformed"],
      ["0502c080", "Malformed"],
      ["0602ff", "Truncated"],
      ["070200", "Truncated"],
      ["0802016200016100", "Malformed"],
      ["0802016100016100", "Malformed"],
      ["04c008000000000000", "Malformed"],
      ["047ff4000000000000", "Malformed"],
      ["047ff8000000010000", "Malformed"],
      ["07ffffff7f", "Limit"]
    ]
    for (const [bytes, reason] of refused) assert.strictEqual(reasonOf(() => Value.decode(unhex(bytes))), reason, bytes)
  })

  it("has one form for each type, and the least of two for a number", () => {
    const forms: ReadonlyArray<readonly [Value.Value, string]> = [
      [null, "00"],
      [false, "01"],
      [true, "02"],
      [0, "0300"],
      [-0, "0300"],
      [-1, "0301"],
      [2 ** 53 - 1, "03feffffffffffff1f"],
      [2n ** 53n, "03808080808080 8020".replaceAll(" ", "")],
      [0.5, "043fe0000000000000"],
      [-Infinity, "04fff0000000000000"],
      ["a", "050161"],
      [Uint8Array.of(7), "060107"],
      [[null, []], "07020007 00".replaceAll(" ", "")],
      [{ b: 1, a: {} }, "08020161 0800 0162 0302".replaceAll(" ", "")]
    ]
    for (const [value, bytes] of forms) assert.strictEqual(hex(Value.encode(value)), bytes)
    assert.isNaN(Value.decode(unhex("047ff8000000000000")))
    assert.isTrue(Object.is(Value.decode(unhex("0300")), 0))
    assert.isTrue(Object.is(Value.toJson(-0), 0))
    assert.isTrue(Object.is(Value.fromJson(-0), 0))
  })

  it("says in JSON what JSON cannot, and reads it back", () => {
    const forms: ReadonlyArray<readonly [Value.Value, unknown]> = [
      [2n ** 63n - 1n, { $int: "9223372036854775807" }],
      [-(2n ** 53n), { $int: "-9007199254740992" }],
      [NaN, { $float: "NaN" }],
      [Infinity, { $float: "Infinity" }],
      [-Infinity, { $float: "-Infinity" }],
      [Uint8Array.of(1, 2), { $bytes: "AQI=" }],
      [new Uint8Array(0), { $bytes: "" }]
    ]
    for (const [value, json] of forms) {
      assert.deepEqual(Value.toJson(value), json as Value.Json)
      assert.strictEqual(hex(Value.encode(Value.fromJson(json))), hex(Value.encode(value)))
    }
    assert.strictEqual(Value.toJson(5n), 5)
    assert.strictEqual(Value.fromJson({ $int: "-5" }), -5)
    assert.strictEqual(Value.fromJson({ $int: "9007199254740993" }), 2n ** 53n + 1n)
    for (const int of ["", "-", "5x", "x5", "1".repeat(20), "+5", "5.0", " 5"]) {
      assert.strictEqual(reasonOf(() => Value.fromJson({ $int: int })), "Malformed", int)
    }
    for (const json of [{ $map: null }, { $map: 1 }, { $bytes: 1 }, { $float: 1 }, { $float: "1e9" }, { $int: null }]) {
      assert.strictEqual(reasonOf(() => Value.fromJson(json)), "Malformed", JSON.stringify(json))
    }
    // Only a map of one key can be an escape.
    assert.deepEqual(plain(Value.fromJson({ $int: "5", more: 1 })), plain({ $int: "5", more: 1 }))
    assert.deepEqual(Value.toJson({ $int: "5", more: 1 }), { $int: "5", more: 1 })
    assert.deepEqual(Object.keys(Value.toJson({ b: 1, a: 2 }) as object), ["a", "b"])
  })

  it("is refused by its Schema in words, both ways", () => {
    const decode = Schema.decodeUnknownEither(Value.ValueSchema)
    const encode = Schema.encodeEither(Value.ValueSchema)
    assert.deepStrictEqual(Either.getOrThrow(decode({ $int: "5" })), 5)
    assert.deepEqual(Either.getOrThrow(encode(2n ** 60n)), { $int: "1152921504606846976" })
    assert.match(
      Either.getOrThrow(Either.flip(decode({ $int: 5 }))).message,
      /Value.*\$int around what it cannot hold/s
    )
    assert.match(Either.getOrThrow(Either.flip(encode(nested(VALUE_DEPTH + 1)))).message, /more than 32 deep/)
  })

  it("holds lists and maps to their limits", () => {
    const list = Array.from({ length: LIST_ENTRIES }, () => null)
    assert.lengthOf(Value.decode(Value.encode(list)) as ReadonlyArray<null>, LIST_ENTRIES)
    assert.strictEqual(reasonOf(() => Value.encode([...list, null])), "Limit")
    for (const tag of ["07", "08"]) {
      assert.strictEqual(reasonOf(() => Value.decode(unhex(`${tag}808004`))), "Truncated")
      assert.strictEqual(reasonOf(() => Value.decode(unhex(`${tag}818004`))), "Limit")
    }
    const deepMap = (depth: number): Value.Value => depth === 0 ? 1 : { a: deepMap(depth - 1) }
    assert.strictEqual(reasonOf(() => Value.decode(Value.encode(deepMap(VALUE_DEPTH)))), "ok")
    assert.strictEqual(reasonOf(() => Value.encode(deepMap(VALUE_DEPTH + 1))), "Limit")
    assert.strictEqual(reasonOf(() => Value.toJson(deepMap(VALUE_DEPTH + 1))), "Limit")
    assert.strictEqual(reasonOf(() => Value.fromJson(deepMap(VALUE_DEPTH))), "ok")
    assert.strictEqual(reasonOf(() => Value.fromJson(deepMap(VALUE_DEPTH + 1))), "Limit")
    assert.strictEqual(reasonOf(() => Value.decode(unhex(`${"08010161".repeat(VALUE_DEPTH + 1)}00`))), "Limit")
  })

  it("sorts keys by their UTF-8, in which an emoji comes after U+FFFD", () => {
    const decoded = Value.decode(Value.encode({ "\u{1f512}": 1, "\ufffd": 2, a: 3 })) as Record<string, unknown>
    assert.deepStrictEqual(Object.keys(decoded), ["a", "\ufffd", "\u{1f512}"])
  })

  it("takes __proto__ for a key like any other", () => {
    const hostile = JSON.parse(`{"__proto__":{"polluted":true},"constructor":1}`) as Value.Value
    for (const value of [Value.decode(Value.encode(hostile)), Value.fromJson(hostile)]) {
      assert.deepStrictEqual(Object.keys(value as object).toSorted(), ["__proto__", "constructor"])
      assert.strictEqual((value as Record<string, unknown>)["polluted"], undefined)
    }
    assert.strictEqual(({} as Record<string, unknown>)["polluted"], undefined)
  })

  it("escapes real maps that look like an escape", () => {
    for (const value of [{ $int: "5" }, { $bytes: "" }, { $map: { $map: 1 } }, { $other: null }]) {
      const json = Value.toJson(value)
      assert.deepStrictEqual(Object.keys(json as object), ["$map"])
      assert.strictEqual(hex(Value.encode(Value.fromJson(json))), hex(Value.encode(value)))
    }
    for (
      const json of [
        { $int: 5 },
        { $int: "0x5" },
        { $bytes: "*" },
        { $float: "1" },
        { $map: [] },
        { $other: 1 },
        undefined
      ]
    ) {
      assert.strictEqual(reasonOf(() => Value.fromJson(json)), "Malformed")
    }
  })

  it("holds nesting to its limit", () => {
    assert.strictEqual(reasonOf(() => Value.decode(Value.encode(nested(VALUE_DEPTH)))), "ok")
    assert.strictEqual(reasonOf(() => Value.encode(nested(VALUE_DEPTH + 1))), "Limit")
    assert.strictEqual(reasonOf(() => Value.toJson(nested(VALUE_DEPTH + 1))), "Limit")
    assert.strictEqual(reasonOf(() => Value.fromJson(nested(VALUE_DEPTH + 1))), "Limit")
    assert.strictEqual(reasonOf(() => Value.decode(unhex(`${"0701".repeat(VALUE_DEPTH + 1)}00`))), "Limit")
    assert.strictEqual(reasonOf(() => Value.encode(undefined as unknown as null)), "Malformed")
    assert.strictEqual(reasonOf(() => Value.encode(2n ** 63n)), "Limit")
  })
})

/** Maps with and without a prototype compared by what is in them. */
const plain = (value: Value.Value): unknown => {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(plain)
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, plain(item as Value.Value)])
  return new Map(entries.toSorted(([left], [right]) => left < right ? -1 : 1))
}
