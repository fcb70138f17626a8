/**
 * Structures as numbered fields: how a field of each type is written and read, and how the fields of a structure
 * follow one another, in ascending order of their numbers, absent ones left out, a zero at the end. Which fields may
 * be absent follows from the type, so that a table cannot say otherwise.
 */
import { compareUtf8, type EventReader, type EventWriter } from "./EventBytes.ts"
import { LIST_ENTRIES } from "./Limits.ts"
import * as Value from "./Value.ts"

/** How one type of field is written and read. */
export interface Codec<A> {
  readonly write: (writer: EventWriter, value: A) => void
  readonly read: (reader: EventReader) => A
}

interface Required<A> {
  readonly tag: number
  readonly codec: Codec<A>
  readonly required: true
}

interface Optional<A> {
  readonly tag: number
  readonly codec: Codec<A>
  readonly required: false
}

/** A number for each field; which may be absent follows from the type. */
export type Fields<T> = {
  readonly [K in keyof T]-?: {} extends Pick<T, K> ? Optional<Exclude<T[K], undefined>> : Required<T[K]>
}

/** Fields in ascending order of their numbers, absent ones left out, then a zero. */
export interface Struct {
  readonly names: ReadonlyArray<string>
  readonly tags: ReadonlyArray<number>
  readonly codecs: ReadonlyArray<Codec<unknown>>
  readonly required: ReadonlyArray<boolean>
  /** Place in the arrays above by number; -1 for none. */
  readonly byTag: ReadonlyArray<number>
}

export const writeFields = (writer: EventWriter, struct: Struct, value: Record<string, unknown>): void => {
  const { codecs, names, required, tags } = struct
  for (let index = 0; index < names.length; index++) {
    const field = value[names[index]!]
    if (field !== undefined) {
      writer.u8(tags[index]!)
      codecs[index]!.write(writer, field)
    } else if (required[index]) {
      writer.fail("Malformed", `without ${names[index]}`)
    }
  }
  writer.u8(0)
}

/** Reads fields into `target`, up to and with the zero that ends them. */
export const readFields = (reader: EventReader, struct: Struct, target: Record<string, unknown>): void => {
  const { byTag, codecs, names, required } = struct
  let next = 0
  for (let tag = reader.u8(); tag !== 0; tag = reader.u8()) {
    const index = byTag[tag] ?? -1
    if (index < 0) reader.fail("Unknown", `field ${tag}`)
    if (index < next) reader.fail("Malformed", `field ${names[index]} out of order`)
    for (; next < index; next++) if (required[next]) reader.fail("Malformed", `without ${names[next]}`)
    target[names[index]!] = codecs[index]!.read(reader)
    next = index + 1
  }
  for (; next < names.length; next++) if (required[next]) reader.fail("Malformed", `without ${names[next]}`)
}

export const need = <A>(tag: number, codec: Codec<A>): Required<A> => ({ tag, codec, required: true })
export const may = <A>(tag: number, codec: Codec<A>): Optional<A> => ({ tag, codec, required: false })

export type AnyFields = Readonly<Record<string, Required<unknown> | Optional<unknown>>>

/** The arrays that reading and writing run along. */
export const compile = (fields: AnyFields): Struct => {
  const entries = Object.entries(fields)
    .toSorted(([, left], [, right]) => left.tag - right.tag)
  const byTag = Array.from({ length: 256 }, () => -1)
  entries.forEach(([, field], index) => {
    byTag[field.tag] = index
  })
  return {
    names: entries.map(([name]) => name),
    tags: entries.map(([, field]) => field.tag),
    codecs: entries.map(([, field]) => field.codec),
    required: entries.map(([, field]) => field.required),
    byTag
  }
}

export const struct = <T>(fields: Fields<T>): Codec<T> => {
  const compiled = compile(fields as AnyFields)
  return {
    write: (writer, value) => writeFields(writer, compiled, value as Record<string, unknown>),
    read: (reader) => {
      const target: Record<string, unknown> = {}
      readFields(reader, compiled, target)
      return target as T
    }
  }
}

export const list = <A>(item: Codec<A>): Codec<ReadonlyArray<A>> => ({
  write: (writer, items) => {
    if (items.length > LIST_ENTRIES) writer.fail("Limit", `a list of ${items.length}`)
    writer.varint(items.length)
    for (let index = 0; index < items.length; index++) item.write(writer, items[index]!)
  },
  read: (reader) => {
    const count = reader.count(LIST_ENTRIES)
    const items: Array<A> = []
    for (let index = 0; index < count; index++) items.push(item.read(reader))
    return items
  }
})

export const choice = <A extends string>(numbers: { readonly [K in A]: number }): Codec<A> => {
  const byNumber: Array<A | undefined> = []
  for (const name of Object.keys(numbers) as Array<A>) byNumber[numbers[name]] = name
  return {
    write: (writer, value) => writer.u8(numbers[value] ?? writer.fail("Malformed", "none of the words allowed")),
    read: (reader) => {
      const number = reader.u8()
      return byNumber[number] ?? reader.fail("Unknown", `choice ${number}`)
    }
  }
}

export const text: Codec<string> = { write: (writer, value) => writer.text(value), read: (reader) => reader.text() }
/** Text that comes again and again. */
export const name: Codec<string> = { write: (writer, value) => writer.text(value), read: (reader) => reader.name() }
export const byteName: Codec<string> = {
  write: (writer, value) => writer.byteName(value),
  read: (reader) => reader.byteName()
}
export const bytes: Codec<Uint8Array> = {
  write: (writer, value) => writer.bytes(value),
  read: (reader) => reader.bytes()
}
export const millis: Codec<number> = { write: (writer, value) => writer.int(value), read: (reader) => reader.safeInt() }
export const int64: Codec<number | bigint> = {
  write: (writer, value) => writer.int(value),
  read: (reader) => reader.int()
}
export const size: Codec<number> = { write: (writer, value) => writer.size(value), read: (reader) => reader.varint() }
export const value: Codec<Value.Value> = {
  write: (writer, item) => Value.write(writer, item),
  read: (reader) => Value.read(reader)
}
export const flag: Codec<boolean> = {
  write: (writer, item) => writer.u8(item ? 1 : 0),
  read: (reader) => {
    const byte = reader.u8()
    if (byte > 1) reader.fail("Malformed", `${byte} where 0 or 1 must be`)
    return byte === 1
  }
}
export const fixed = (length: number): Codec<Uint8Array> => ({
  write: (writer, item) => writer.fixed(item, length),
  read: (reader) => reader.fixed(length)
})
/** A set of words: sorted by UTF-8 bytes, without repeats, however they come. */
export const words: Codec<ReadonlyArray<string>> = {
  write: (writer, items) => {
    if (items.length > LIST_ENTRIES) writer.fail("Limit", `a list of ${items.length}`)
    const sorted = isSet(items) ? items : [...new Set(items)].toSorted(compareUtf8)
    writer.varint(sorted.length)
    for (let index = 0; index < sorted.length; index++) writer.text(sorted[index]!)
  },
  read: (reader) => {
    const count = reader.count(LIST_ENTRIES)
    const items: Array<string> = []
    for (let index = 0; index < count; index++) {
      const item = reader.name()
      if (index > 0 && compareUtf8(items[index - 1]!, item) >= 0) reader.fail("Malformed", "a set that is not sorted")
      items.push(item)
    }
    return items
  }
}

const isSet = (items: ReadonlyArray<string>): boolean => {
  for (let index = 1; index < items.length; index++) {
    if (compareUtf8(items[index - 1]!, items[index]!) >= 0) return false
  }
  return true
}
