/** Lists of indices, to the bit, and that a reader takes no list that could not be written. */
import { assert, describe, it } from "@effect/vitest"
import { ByteWriter, parse } from "@sealog/core/format/Binary"
import { readIndices, writeIndices } from "@sealog/core/format/Indices"
import { BLOCK_EVENTS, LOG_EVENTS } from "@sealog/core/format/Limits"
import { Either } from "effect"
import * as fc from "fast-check"
import { bytesOf, hexOf } from "../Corpora.ts"

const written = (indices: ReadonlyArray<number>): string => {
  const writer = new ByteWriter()
  writeIndices(writer, indices)
  return hexOf(writer.finish())
}

const read = (hex: string) => parse(bytesOf(hex), "indices", readIndices)

const reasonOf = (hex: string): string =>
  Either.match(read(hex), { onLeft: ({ reason }) => reason, onRight: () => "read" })

const varints = (...values: ReadonlyArray<number>): string => {
  const writer = new ByteWriter()
  for (const value of values) writer.varint(value)
  return hexOf(writer.finish())
}

/** The definition that stands at the head of `Indices`, in strings of bits. */
const reference = (indices: ReadonlyArray<number>): string => {
  const [first, last, count] = [indices[0]!, indices.at(-1)!, indices.length]
  if (count === 1) return varints(first, 1)
  const slack = last - first - (count - 1)
  const head = varints(first, count, slack)
  if (slack === 0) return head
  let k = 0
  while ((count - 1) * 2 ** (k + 1) <= slack) k++
  const bits = indices.slice(1, -1).map((index, at) => {
    const distance = index - indices[at]! - 1
    const low = distance % 2 ** k
    return `${"1".repeat(Math.floor(distance / 2 ** k))}0${k === 0 ? "" : low.toString(2).padStart(k, "0")}`
  }).join("")
  const bytes = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0").match(/.{8}/g) ?? []
  return head + bytes.map((byte) => Number.parseInt(byte, 2).toString(16).padStart(2, "0")).join("")
}

const listOf = (from: number, gaps: ReadonlyArray<number>): ReadonlyArray<number> => {
  const indices = [from]
  for (const gap of gaps) indices.push(indices.at(-1)! + gap + 1)
  return indices
}

describe("Indices", () => {
  it("are written as their definition has it, and read back", () => {
    const gap = fc.oneof(fc.constant(0), fc.nat(3), fc.nat(100), fc.nat(2 ** 20), fc.nat(2 ** 31))
    fc.assert(fc.property(fc.nat(), fc.array(gap, { maxLength: 40 }), (from, gaps) => {
      const indices = listOf(from, gaps)
      assert.strictEqual(written(indices), reference(indices))
      assert.deepStrictEqual(Either.getOrThrow(read(written(indices))), indices)
    }))
  })

  it("may be far apart, many ones and many low bits", () => {
    const lists = [
      [0, 2 ** 47],
      [0, 1, 2 ** 47],
      [0, 2 ** 46, 2 ** 47],
      [0, 2 ** 47 - 1, 2 ** 47],
      [3, 3 + 2 ** 24, 3 + 2 ** 25 + 5, 2 ** 26 + 9],
      [0, 2 ** 24 - 1, 2 ** 25, 2 ** 26],
      // Nearly all of the distance is between two of many: dozens of ones before the zero.
      ...[22, 23, 24, 25, 47, 48, 49, 100].map((ones) =>
        listOf(0, [...Array.from({ length: ones }, () => 0), ones * 2, 0])
      ),
      listOf(7, [...Array.from({ length: 200 }, () => 1), 2 ** 20, 0, 0])
    ]
    for (const indices of lists) {
      assert.strictEqual(written(indices), reference(indices))
      assert.deepStrictEqual(Either.getOrThrow(read(written(indices))), indices)
    }
  })

  it("are one at least, within the log, and no more than a block has", () => {
    assert.strictEqual(reasonOf(varints(0, 0)), "Malformed")
    assert.strictEqual(reasonOf(varints(LOG_EVENTS - 1, 1)), "read")
    assert.strictEqual(reasonOf(varints(LOG_EVENTS, 1)), "Limit")
    assert.strictEqual(reasonOf(varints(LOG_EVENTS - 2, 2, 0)), "read")
    assert.strictEqual(reasonOf(varints(LOG_EVENTS - 1, 2, 0)), "Limit")
    assert.strictEqual(reasonOf(varints(0, 2, LOG_EVENTS - 2)), "read")
    assert.strictEqual(reasonOf(varints(0, 2, LOG_EVENTS - 1)), "Limit")
    assert.strictEqual(reasonOf(varints(0, 2, LOG_EVENTS + 1)), "Limit")
    assert.strictEqual(reasonOf(varints(0, BLOCK_EVENTS, 0)), "read")
    assert.strictEqual(reasonOf(varints(0, BLOCK_EVENTS + 1, 0)), "Limit")
    assert.lengthOf(Either.getOrThrow(read(varints(5, BLOCK_EVENTS, 0))), BLOCK_EVENTS)
  })

  it("ascend to the last one, and end in zeros", () => {
    // 0, ?, 3: slack 1, so k is 0 and one code says where the one between stands.
    assert.deepStrictEqual(Either.getOrThrow(read("00030100")), [0, 1, 3])
    assert.deepStrictEqual(Either.getOrThrow(read("00030180")), [0, 2, 3])
    assert.strictEqual(reasonOf("000301c0"), "Malformed")
    assert.strictEqual(reasonOf("00030101"), "Malformed")
    assert.strictEqual(reasonOf("00030140"), "Malformed")
    assert.strictEqual(reasonOf("00030181"), "Malformed")
    assert.strictEqual(reasonOf("000301"), "Truncated")
    assert.strictEqual(reasonOf("0003010000"), "Malformed")
    // 0, ?, 5: slack 3, k = 0: the one between is 4 at most.
    assert.deepStrictEqual(Either.getOrThrow(read("000303e0")), [0, 4, 5])
    assert.strictEqual(reasonOf("000303f0"), "Malformed")
    // 0, ?, 7: slack 5, k = 1: the one between is 6 at most, and 7 is refused by its low bit.
    assert.deepStrictEqual(Either.getOrThrow(read("000305d0")), [0, 6, 7])
    assert.strictEqual(reasonOf("000305e0"), "Malformed")
    assert.strictEqual(reasonOf(`000305${"ff".repeat(10)}`), "Malformed")
  })
})
