/**
 * The body of a message: a text and what is said of stretches of it, as an NSAttributedString in a typedstream. Places
 * are in UTF-16 units, as Apple counts them.
 */
import type { Value } from "@sealog/core/message/Event"
import { Buffer } from "node:buffer"
import { readTypedStream, type Typed, type TypedObject, TypedStreamError } from "./TypedStream.ts"

export interface Stretch {
  readonly start: number
  readonly length: number
  /** By the names the store gives them. */
  readonly attributes: { readonly [name: string]: Value }
}

export interface AttributedText {
  readonly text: string
  readonly stretches: ReadonlyArray<Stretch>
}

/** Throws a `TypedStreamError` where the bytes are no attributed text. */
export const readAttributedText = (bytes: Uint8Array): AttributedText => {
  const root = readTypedStream(bytes)
  if (!isObject(root) || !isA(root, "NSAttributedString")) throw new TypedStreamError("no attributed text")
  const [first = [], ...rest] = root.groups
  const text = stringIn(first[0] ?? null)
  if (text === undefined) throw new TypedStreamError("an attributed text without a text")
  const stretches: Array<Stretch> = []
  const known = new Map<number, { readonly [name: string]: Value }>()
  let start = 0
  for (let at = 0; at < rest.length; at++) {
    const [number, length] = rest[at]!
    if (typeof number !== "number" || typeof length !== "number") throw new TypedStreamError("a stretch of no length")
    let attributes = known.get(number)
    if (attributes === undefined) {
      const dictionary = rest[++at]?.[0]
      attributes = isObject(dictionary) ? mapIn(dictionary, 0) : {}
      known.set(number, attributes)
    }
    stretches.push({ start, length, attributes })
    start += length
  }
  return { text, stretches }
}

/** The part of a message that a stretch belongs to, as a number. */
export const PART = "__kIMMessagePartAttributeName"
/** The attachment that stands in its place. */
export const ATTACHMENT = "__kIMFileTransferGUIDAttributeName"

/** A body that says a text of one part and nothing else, in one of the ways in which Messages writes these. */
export interface PlainBody {
  readonly text: string
  /** Which one. */
  readonly form: number
}

/**
 * A body that is to the byte what its text and form come to; `undefined` for any other. Most bodies are, so that these
 * are neither taken apart nor kept beside their text.
 */
export const readPlainBody = (bytes: Uint8Array): PlainBody | undefined => {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let form = 0; form < FORMS.length; form++) {
    const { after, before } = FORMS[form]!
    if (!standsAt(body, 0, before)) continue
    const length = intAt(body, before.length)
    const end = length.end + length.value
    if (!standsAt(body, end, BETWEEN)) continue
    const units = intAt(body, end + BETWEEN.length)
    if (body.length !== units.end + after.length || !standsAt(body, units.end, after)) continue
    const text = body.toString("utf8", length.end, end)
    // What is no UTF-8, or counted otherwise, would not come back as it is.
    if (text.length !== units.value || Buffer.byteLength(text) !== length.value || text.includes("\ufffd")) continue
    return { text, form }
  }
  return undefined
}

/** What `readPlainBody` reads. */
export const writePlainBody = ({ form, text }: PlainBody): Uint8Array => {
  const { after, before } = FORMS[form]!
  const bytes = Buffer.from(text)
  return new Uint8Array(Buffer.concat([before, int(bytes.length), bytes, BETWEEN, int(text.length), after]))
}

const standsAt = (body: Buffer, at: number, bytes: Buffer): boolean =>
  at + bytes.length <= body.length && bytes.compare(body, at, at + bytes.length) === 0

const intAt = (body: Buffer, at: number): { readonly value: number; readonly end: number } => {
  const head = body[at]
  if (head === 0x81 && at + 3 <= body.length) return { value: body.readUInt16LE(at + 1), end: at + 3 }
  if (head === 0x82 && at + 5 <= body.length) return { value: body.readUInt32LE(at + 1), end: at + 5 }
  return { value: head === undefined || head >= 0x80 ? NaN : head, end: at + 1 }
}

const int = (value: number): Buffer => {
  if (value < 0x80) return Buffer.from([value])
  const bytes = Buffer.alloc(value < 0x8000 ? 3 : 5)
  bytes[0] = value < 0x8000 ? 0x81 : 0x82
  if (value < 0x8000) bytes.writeUInt16LE(value, 1)
  else bytes.writeUInt32LE(value, 1)
  return bytes
}

/** Bytes in hex, and between them names with their length before them. */
const written = (...pieces: ReadonlyArray<string>): Buffer =>
  Buffer.concat(
    pieces.map((piece, n) =>
      n % 2 === 0 ? Buffer.from(piece, "hex") : Buffer.from([piece.length, ...Buffer.from(piece, "latin1")])
    )
  )

const DIRECTION = "__kIMBaseWritingDirectionAttributeName"
const IMMUTABLE = written(
  "04",
  "streamtyped",
  "81e803840140848484",
  "NSAttributedString",
  "008484",
  "NSObject",
  "008592848484",
  "NSString",
  "019484012b"
)

/** Between the text and its length in UTF-16 units: the end of the text, and the number of the first stretch. */
const BETWEEN = Buffer.from("868402694901", "hex")

/** A text that can be changed, one that cannot, and one that cannot and has a direction, each of one part numbered 0. */
const FORMS: ReadonlyArray<{ readonly before: Buffer; readonly after: Buffer }> = [
  {
    before: written(
      "04",
      "streamtyped",
      "81e803840140848484",
      "NSMutableAttributedString",
      "008484",
      "NSAttributedString",
      "008484",
      "NSObject",
      "008592848484",
      "NSMutableString",
      "018484",
      "NSString",
      "019584012b"
    ),
    after: written(
      "92848484",
      "NSDictionary",
      "00958401690192849898",
      PART,
      "8692848484",
      "NSNumber",
      "008484",
      "NSValue",
      "009584012a849b9b00868686"
    )
  },
  {
    before: IMMUTABLE,
    after: written(
      "92848484",
      "NSDictionary",
      "00948401690192849696",
      PART,
      "8692848484",
      "NSNumber",
      "008484",
      "NSValue",
      "009484012a84999900868686"
    )
  },
  {
    before: IMMUTABLE,
    after: written(
      "92848484",
      "NSDictionary",
      "00948401690292849696",
      DIRECTION,
      "8692848484",
      "NSNumber",
      "008484",
      "NSValue",
      "009484012a848401719dff8692849696",
      PART,
      "8692849b9c9d9d00868686"
    )
  }
]

const isObject = (value: Typed | undefined): value is TypedObject =>
  typeof value === "object" && value !== null && "classes" in value

const isA = ({ classes }: TypedObject, name: string): boolean => classes.includes(name)

const stringIn = (value: Typed): string | undefined => {
  if (!isObject(value) || !isA(value, "NSString")) return undefined
  const bytes = value.groups[0]?.[0]
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString("utf8") : undefined
}

/** Attributes within each other. */
const DEPTH = 16

/** A dictionary: how many entries, then a key and a value in turn. */
const mapIn = ({ groups }: TypedObject, depth: number): { readonly [name: string]: Value } => {
  const map: Record<string, Value> = {}
  for (let at = 1; at + 1 < groups.length; at += 2) {
    const name = stringIn(groups[at]?.[0] ?? null)
    if (name !== undefined && name !== "__proto__") map[name] = plain(groups[at + 1]?.[0] ?? null, depth + 1)
  }
  return map
}

/** What a value says, as plain data; an object of an unknown class as its name and what it wrote. */
const plain = (value: Typed, depth: number): Value => {
  if (depth > DEPTH) throw new TypedStreamError("attributes that are nested too deep")
  if (!isObject(value)) {
    if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value
    return ("list" in value ? value.list : value).map((one) => plain(one, depth + 1))
  }
  const { groups } = value
  const text = stringIn(value)
  if (text !== undefined) return text
  if (isA(value, "NSDictionary")) return mapIn(value, depth)
  if (isA(value, "NSNumber")) return plain(groups[1]?.[0] ?? null, depth + 1)
  if (isA(value, "NSData")) return plain(groups[1]?.[0] ?? null, depth + 1)
  if (isA(value, "NSURL")) return plain(groups.at(-1)?.at(-1) ?? null, depth + 1)
  if (isA(value, "NSArray")) return groups.slice(1).flatMap((group) => group.map((one) => plain(one, depth + 1)))
  return { class: value.classes[0] ?? "", values: groups.flatMap((group) => group.map((one) => plain(one, depth + 1))) }
}
