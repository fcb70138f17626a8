/**
 * Structured data that a store has beyond the fields of a message: JSON with exact integers and bytes. It has one
 * binary form, so that equal values are equal bytes, and one form in JSON, for people and other programs.
 *
 * Binary: a tag, then what the table `tags` says. A number that is a safe integer is an integer, whether it came as
 * `5`, `5n` or `-0`; every other number is a float64, with one pattern for NaN. Maps are sorted by the UTF-8 bytes of
 * their keys. In JSON: `{"$int":"9007199254740993"}`, `{"$bytes":"<base64>"}`, `{"$float":"NaN"}` (or an infinity), and
 * `{"$map":{…}}` around a map whose one key begins with `$`.
 */
import { Either, Encoding, ParseResult, Schema, type SchemaAST } from "effect"
import { compareUtf8, EventReader, EventWriter } from "./EventBytes.ts"
import { FormatError } from "./FormatError.ts"
import { LIST_ENTRIES, VALUE_DEPTH } from "./Limits.ts"

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | ReadonlyArray<Value>
  | { readonly [key: string]: Value }

/** What JSON can say. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** The canonical bytes of a value, a fresh copy; throws a FormatError. */
export const encode = (value: Value): Uint8Array => {
  const writer = new EventWriter()
  writer.start("value")
  write(writer, value)
  return new Uint8Array(writer.finish())
}

/** The value of exactly these bytes; throws a FormatError. Its bytes are views of those given. */
export const decode = (bytes: Uint8Array): Value => {
  const reader = new EventReader(bytes, "value")
  const value = read(reader)
  reader.end()
  return value
}

export const write = (writer: EventWriter, value: Value, depth = 0): void => {
  switch (typeof value) {
    case "boolean":
      return writer.u8(value ? tags.true : tags.false)
    case "number":
      if (Number.isSafeInteger(value)) return writeInt(writer, value)
      writer.u8(tags.float64)
      return writer.float64(value)
    case "bigint":
      return writeInt(writer, value)
    case "string":
      writer.u8(tags.string)
      return writer.text(value)
    case "object":
      if (value === null) return writer.u8(tags.null)
      if (value instanceof Uint8Array) {
        writer.u8(tags.bytes)
        return writer.bytes(value)
      }
      if (depth >= VALUE_DEPTH) writer.fail("Limit", `a value more than ${VALUE_DEPTH} deep`)
      return isList(value) ? writeList(writer, value, depth) : writeMap(writer, value, depth)
    default:
      return writer.fail("Malformed", `a value of type ${typeof value}`)
  }
}

export const read = (reader: EventReader, depth = 0): Value => {
  const tag = reader.u8()
  switch (tag) {
    case tags.null:
      return null
    case tags.false:
      return false
    case tags.true:
      return true
    case tags.int:
      return reader.int()
    case tags.float64:
      return readFloat(reader)
    case tags.string:
      return reader.text()
    case tags.bytes:
      return reader.bytes()
    case tags.list:
    case tags.map:
      if (depth >= VALUE_DEPTH) reader.fail("Limit", `a value more than ${VALUE_DEPTH} deep`)
      return tag === tags.list ? readList(reader, depth) : readMap(reader, depth)
    default:
      return reader.fail("Unknown", `value of type ${tag}`)
  }
}

/** The JSON that stands for a value; what the binary form refuses throws a FormatError here too. */
export const toJson = (value: Value, depth = 0): Json => {
  switch (typeof value) {
    case "number":
      if (Number.isFinite(value)) return value === 0 ? 0 : value
      return { $float: String(value) }
    case "bigint": {
      const number = Number(value)
      return Number.isSafeInteger(number) ? number : { $int: String(value) }
    }
    case "object":
      if (value === null) return null
      if (value instanceof Uint8Array) return { $bytes: Encoding.encodeBase64(value) }
      if (depth >= VALUE_DEPTH) throw outside("Limit", `a value more than ${VALUE_DEPTH} deep`)
      return isList(value) ? value.map((item) => toJson(item, depth + 1)) : mapToJson(value, depth)
    default:
      return value
  }
}

/** The value that JSON stands for; throws a FormatError where it stands for none. */
export const fromJson = (json: unknown, depth = 0): Value => {
  switch (typeof json) {
    case "boolean":
    case "string":
      return json
    case "number":
      return json === 0 ? 0 : json
    case "object":
      if (json === null) return null
      if (!Array.isArray(json)) return objectFromJson(json as Record<string, unknown>, depth)
      if (depth >= VALUE_DEPTH) throw outside("Limit", `a value more than ${VALUE_DEPTH} deep`)
      return json.map((item) => fromJson(item, depth + 1))
    default:
      throw outside("Malformed", `${typeof json} is not JSON`)
  }
}

/** Values in JSON, for the Schemas of events. */
export const ValueSchema: Schema.Schema<Value, unknown> = Schema.transformOrFail(
  Schema.Unknown,
  Schema.Unknown as Schema.Schema<Value>,
  {
    strict: true,
    decode: (json, _, ast) => attempt(() => fromJson(json), json, ast),
    encode: (value, _, ast) => attempt(() => toJson(value), value, ast)
  }
).annotations({ identifier: "Value" })

/** Numbers of the wire: written once, never reused. */
const tags = { null: 0, false: 1, true: 2, int: 3, float64: 4, string: 5, bytes: 6, list: 7, map: 8 } as const

const isList = (value: object): value is ReadonlyArray<Value> => Array.isArray(value)

const writeInt = (writer: EventWriter, value: number | bigint): void => {
  writer.u8(tags.int)
  writer.int(value)
}

const writeList = (writer: EventWriter, list: ReadonlyArray<Value>, depth: number): void => {
  if (list.length > LIST_ENTRIES) writer.fail("Limit", `a list of ${list.length}`)
  writer.u8(tags.list)
  writer.varint(list.length)
  for (let index = 0; index < list.length; index++) write(writer, list[index]!, depth + 1)
}

const writeMap = (writer: EventWriter, map: { readonly [key: string]: Value }, depth: number): void => {
  const keys = Object.keys(map)
  if (keys.length > LIST_ENTRIES) writer.fail("Limit", `a map of ${keys.length}`)
  keys.sort(compareUtf8)
  writer.u8(tags.map)
  writer.varint(keys.length)
  for (const key of keys) {
    writer.text(key)
    write(writer, map[key]!, depth + 1)
  }
}

const readFloat = (reader: EventReader): number => {
  const bytes = reader.fixed(8)
  const value = new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0)
  if (Number.isSafeInteger(value)) reader.fail("Malformed", "an integer written as a fraction")
  if (Number.isNaN(value) && !isCanonicalNaN(bytes)) reader.fail("Malformed", "a NaN of another pattern")
  return value
}

const isCanonicalNaN = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x7f && bytes[1] === 0xf8 && bytes.subarray(2).every((byte) => byte === 0)

const readList = (reader: EventReader, depth: number): ReadonlyArray<Value> => {
  const count = reader.count(LIST_ENTRIES)
  const list: Array<Value> = []
  for (let index = 0; index < count; index++) list.push(read(reader, depth + 1))
  return list
}

const readMap = (reader: EventReader, depth: number): { readonly [key: string]: Value } => {
  const count = reader.count(LIST_ENTRIES)
  const map = emptyMap()
  let last: string | undefined
  for (let index = 0; index < count; index++) {
    const key = reader.name()
    if (last !== undefined && compareUtf8(last, key) >= 0) reader.fail("Malformed", "a map that is not sorted")
    map[key] = read(reader, depth + 1)
    last = key
  }
  return map
}

/** Without a prototype: a key `__proto__` or `constructor` is a key like any other. */
const emptyMap = (): { [key: string]: Value } => Object.create(null)

const mapToJson = (map: { readonly [key: string]: Value }, depth: number): Json => {
  const json: { [key: string]: Json } = Object.create(null)
  const keys = Object.keys(map).toSorted(compareUtf8)
  for (const key of keys) json[key] = toJson(map[key]!, depth + 1)
  return keys.length === 1 && keys[0]!.startsWith("$") ? { $map: json } : json
}

const objectFromJson = (json: Record<string, unknown>, depth: number): Value => {
  const keys = Object.keys(json)
  if (keys.length !== 1 || !keys[0]!.startsWith("$")) return mapFromJson(json, depth)
  const inner = json[keys[0]!]
  switch (keys[0]) {
    case "$int":
      if (typeof inner === "string" && /^-?\d{1,19}$/.test(inner)) return shortest(BigInt(inner))
      break
    case "$float":
      if (inner === "NaN" || inner === "Infinity" || inner === "-Infinity") return Number(inner)
      break
    case "$bytes":
      if (typeof inner === "string") {
        const bytes = Encoding.decodeBase64(inner)
        if (Either.isRight(bytes)) return bytes.right
      }
      break
    case "$map":
      if (typeof inner === "object" && inner !== null && !Array.isArray(inner)) {
        return mapFromJson(inner as Record<string, unknown>, depth)
      }
      break
  }
  throw outside("Malformed", `${keys[0]} around what it cannot hold`)
}

const mapFromJson = (json: Record<string, unknown>, depth: number): Value => {
  if (depth >= VALUE_DEPTH) throw outside("Limit", `a value more than ${VALUE_DEPTH} deep`)
  const map = emptyMap()
  for (const key of Object.keys(json)) map[key] = fromJson(json[key], depth + 1)
  return map
}

const shortest = (value: bigint): number | bigint => {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

const outside = (reason: FormatError["reason"], detail: string) => new FormatError({ reason, what: "value", detail })

const attempt = <A>(body: () => A, actual: unknown, ast: SchemaAST.AST): Either.Either<A, ParseResult.ParseIssue> =>
  Either.try({
    try: body,
    catch: (error) => new ParseResult.Type(ast, actual, error instanceof FormatError ? error.message : String(error))
  })
