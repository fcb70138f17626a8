/** Bytes as Apple's libraries write them, for stores that are made up: attributed texts and binary property lists. */
import type { Value } from "@sealog/core/message/Event"
import { Buffer } from "node:buffer"

/** A stretch of a text, and what is said of it. */
export interface Piece {
  readonly text: string
  readonly attributes: { readonly [name: string]: string | number }
}

/** An attributed text in a typedstream that refers to nothing before: longer than Apple's, and the same to a reader. */
export const writeAttributedText = (pieces: ReadonlyArray<Piece>): Uint8Array => {
  const stream: Array<Buffer> = [Buffer.from("040b73747265616d747970656481e803", "hex")]
  stream.push(
    codes("@"),
    begin("NSAttributedString", "NSObject"),
    codes("@"),
    string(pieces.map((one) => one.text).join(""))
  )
  for (const [number, { attributes, text }] of pieces.entries()) {
    const entries = Object.entries(attributes)
    stream.push(
      codes("iI"),
      int(number + 1),
      int(text.length),
      codes("@"),
      begin("NSDictionary", "NSObject"),
      codes("i")
    )
    stream.push(int(entries.length))
    for (const [name, value] of entries) {
      stream.push(codes("@"), string(name), codes("@"), typeof value === "string" ? string(value) : numberOf(value))
    }
    stream.push(END)
  }
  return new Uint8Array(Buffer.concat([...stream, END]))
}

const NEW = 0x84
const NIL = 0x85
const END = Buffer.from([0x86])

const int = (value: number): Buffer => {
  if (value >= 0 && value < 0x80) return Buffer.from([value])
  const bytes = Buffer.alloc(5, 0x82)
  bytes.writeInt32LE(value, 1)
  return bytes
}

const unshared = (bytes: Buffer): Buffer => Buffer.concat([int(bytes.length), bytes])
const codes = (text: string): Buffer => Buffer.concat([Buffer.from([NEW]), unshared(Buffer.from(text, "latin1"))])
/** An object of a class and those it stands on. */
const begin = (...classes: ReadonlyArray<string>): Buffer =>
  Buffer.concat([
    Buffer.from([NEW]),
    ...classes.flatMap((name) => [Buffer.from([NEW]), codes(name), int(0)]),
    Buffer.from([NIL])
  ])
const string = (text: string): Buffer =>
  Buffer.concat([begin("NSString", "NSObject"), codes("+"), unshared(Buffer.from(text)), END])
const numberOf = (value: number): Buffer =>
  Buffer.concat([
    begin("NSNumber", "NSValue", "NSObject"),
    codes("*"),
    Buffer.from([NEW]),
    codes("i"),
    codes("i"),
    int(value),
    END
  ])

/** A binary property list: no value in it is shared. */
export const writeBinaryPlist = (value: Value): Uint8Array => {
  const objects: Array<Buffer> = []
  const add = (one: Value): number => {
    const place = objects.push(Buffer.alloc(0)) - 1
    objects[place] = objectOf(one, add)
    return place
  }
  add(value)
  const magic = Buffer.from("bplist00")
  const offsets: Array<number> = []
  let at = magic.length
  for (const object of objects) {
    offsets.push(at)
    at += object.length
  }
  const trailer = Buffer.alloc(32)
  trailer[6] = OFFSET_BYTES
  trailer[7] = REFERENCE_BYTES
  trailer.writeBigUInt64BE(BigInt(objects.length), 8)
  trailer.writeBigUInt64BE(BigInt(at), 24)
  return new Uint8Array(Buffer.concat([magic, ...objects, ...offsets.map((one) => big(one, OFFSET_BYTES)), trailer]))
}

const OFFSET_BYTES = 4
const REFERENCE_BYTES = 2

const big = (value: number, bytes: number): Buffer => {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntBE(value, 0, bytes)
  return buffer
}

const marked = (kind: number, length: number, ...rest: ReadonlyArray<Buffer>): Buffer =>
  Buffer.concat([
    length < 15
      ? Buffer.from([kind << 4 | length])
      : Buffer.concat([Buffer.from([kind << 4 | 15, 0x12]), big(length, 4)]),
    ...rest
  ])

const objectOf = (value: Value, add: (one: Value) => number): Buffer => {
  if (typeof value === "boolean") return Buffer.from([value ? 9 : 8])
  if (value instanceof Uint8Array) return marked(4, value.length, Buffer.from(value))
  if (typeof value === "string") {
    const isAscii = /^[\u0000-\u007f]*$/.test(value)
    return isAscii
      ? marked(5, value.length, Buffer.from(value))
      : marked(6, value.length, Buffer.from(value, "utf16le").swap16())
  }
  if (typeof value === "bigint" || Number.isSafeInteger(value)) {
    const bytes = Buffer.alloc(9, 0x13)
    bytes.writeBigInt64BE(BigInt(value as number), 1)
    return bytes
  }
  if (typeof value === "number") {
    const bytes = Buffer.alloc(9, 0x23)
    bytes.writeDoubleBE(value, 1)
    return bytes
  }
  if (value === null) return Buffer.from([0])
  const references = (all: ReadonlyArray<Value>) => Buffer.concat(all.map((one) => big(add(one), REFERENCE_BYTES)))
  if (Array.isArray(value)) return marked(10, value.length, references(value as ReadonlyArray<Value>))
  const entries = Object.entries(value)
  const [names, values] = [references(entries.map(([name]) => name)), references(entries.map(([, one]) => one))]
  return marked(13, entries.length, names, values)
}
