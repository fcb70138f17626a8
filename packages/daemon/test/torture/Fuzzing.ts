/** Bytes and texts made from good ones by what breaks parsers: lengths that lie, numbers at their edges, parts of others. */
import { Buffer } from "node:buffer"
import { pick } from "../faults/Trials.ts"

type Random = () => number

/** One to four changes, each of a kind that a length, a count or a nesting could be taken in by. */
export const mutate = (random: Random, sample: Uint8Array, others: ReadonlyArray<Uint8Array>): Uint8Array => {
  let bytes = sample
  for (let changes = 1 + Math.floor(random() * 4); changes > 0; changes--) {
    bytes = pick(random, CHANGES)(random, bytes, others).subarray(0, MOST_BYTES)
  }
  return bytes
}

/** What is fed in at most, bytes. */
const MOST_BYTES = 256 * 1024

type Change = (random: Random, bytes: Uint8Array, others: ReadonlyArray<Uint8Array>) => Uint8Array

const place = (random: Random, bytes: Uint8Array) => Math.floor(random() * (bytes.length + 1))

const spliced = (bytes: Uint8Array, from: number, to: number, put: Uint8Array): Uint8Array =>
  new Uint8Array(Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)]))

const CHANGES: ReadonlyArray<Change> = [
  // A bit.
  (random, bytes) => {
    const at = Math.floor(random() * bytes.length)
    return spliced(bytes, at, at + 1, Uint8Array.of((bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8))))
  },
  // A byte at its edges, or one off.
  (random, bytes) => {
    const at = Math.floor(random() * bytes.length)
    const was = bytes[at] ?? 0
    return spliced(bytes, at, at + 1, Uint8Array.of(pick(random, [0, 1, 0x7f, 0x80, 0xff, was + 1, was - 1])))
  },
  // A number in the place of others, or between them.
  (random, bytes) => {
    const at = place(random, bytes)
    const number = pick(random, NUMBERS)
    return spliced(bytes, at, random() < 0.5 ? at : at + 1 + Math.floor(random() * number.length), number)
  },
  // Some bytes gone, or twice.
  (random, bytes) => {
    const [from, to] = [place(random, bytes), place(random, bytes)].toSorted((a, b) => a - b) as [number, number]
    return random() < 0.5
      ? spliced(bytes, from, to, new Uint8Array(0))
      : spliced(bytes, to, to, bytes.subarray(from, to))
  },
  // Its beginning, and nothing or the end of another.
  (random, bytes, others) => {
    const other = pick(random, others)
    const rest = random() < 0.5 ? new Uint8Array(0) : other.subarray(place(random, other))
    return spliced(bytes, place(random, bytes), bytes.length, rest)
  },
  // Noise.
  (random, bytes) => {
    const noise = Uint8Array.from({ length: 1 + Math.floor(random() * 40) }, () => random() * 256)
    const at = place(random, bytes)
    return spliced(bytes, at, at + (random() < 0.5 ? noise.length : 0), noise)
  },
  // Much of one byte.
  (random, bytes) => {
    const at = place(random, bytes)
    return spliced(
      bytes,
      at,
      at,
      new Uint8Array(2 ** Math.floor(random() * 17)).fill(pick(random, [0, 7, 8, 0xff, 0x80, 0x5b]))
    )
  },
  // Words that mean something to somebody.
  (random, bytes) => {
    const at = place(random, bytes)
    const word = Buffer.from(pick(random, WORDS))
    return spliced(bytes, at, at + (random() < 0.5 ? word.length : 0), new Uint8Array(word))
  }
]

const leb128 = (value: bigint): Uint8Array => {
  const bytes: Array<number> = []
  let rest = value
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Uint8Array.of(...bytes, Number(rest))
}

const wide = (value: bigint, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, at) => Number((value >> BigInt(8 * (bytes - 1 - at))) & 0xffn))

const EDGES = [0, 7, 14, 16, 20, 21, 24, 25, 28, 31, 32, 35, 48, 53, 63, 64].flatMap((bits) => {
  const power = 1n << BigInt(bits)
  return [power - 1n, power, power + 1n]
})

/** At the edges of limits and types, as the format writes them; and one that is longer than it need be. */
const NUMBERS: ReadonlyArray<Uint8Array> = [
  ...EDGES.map(leb128),
  ...[2, 4, 6, 8].flatMap((bytes) =>
    EDGES.filter((value) => value < 1n << BigInt(8 * bytes)).map((value) => wide(value, bytes))
  ),
  Uint8Array.of(0x80, 0x80, 0x80, 0x00),
  new Uint8Array(12).fill(0xff)
]

const WORDS = [
  "\"__proto__\":{\"polluted\":1}",
  "__proto__",
  "\"constructor\":{\"prototype\":{\"polluted\":1}}",
  "\"id\":\"\\ud800\"",
  "\ufeff",
  "[".repeat(20_000),
  "{\"a\":".repeat(5_000),
  "9".repeat(400),
  "-1e999",
  "1e-999",
  "\"at\":8640000000000001",
  "=?utf-8?b?4pyT?=".repeat(50),
  "\n\t".repeat(5_000),
  "<".repeat(3_000),
  "\r\n\r\n",
  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n".repeat(300),
  "Date: Mon, 99 Foo 99999 99:99:99 +9999\n",
  "../../../../etc/passwd",
  "\u0000",
  "\"op\":\"react\""
]
