/**
 * What the journal's records say, as bytes: small, fixed forms that are sealed as they are. Blocks have a codec of
 * their own in the format; everything here is the journal's alone and never leaves the machine.
 */
import type { JournalHead, StateDelta } from "@sealog/core/backup/Journal"
import { type ByteReader, ByteWriter, parse } from "@sealog/core/format/Binary"
import { EVENT_BYTES } from "@sealog/core/format/Limits"
import { HASH_BYTES } from "@sealog/core/log/MerkleTree"

export const WRITER_BYTES = 8
export const SESSION_BYTES = 4
export const SECRET_BYTES = 32
/** Of a keyed digest, of a content or a note's name. */
export const DIGEST_BYTES = 16

/** One log; its head stands here once it was left. */
export interface LogRecord {
  readonly number: number
  readonly writer: Uint8Array
  readonly left: JournalHead | undefined
}

export interface RootRecord {
  /** Keys the digests of contents and notes, whatever the epoch. */
  readonly secret: Uint8Array
  /** Oldest first; the last one grows. */
  readonly logs: ReadonlyArray<LogRecord>
  readonly sessions: ReadonlyArray<Uint8Array>
}

/** How much is stored of what a source remembers: so that a record lost on the way is noticed. */
export interface StateRecord {
  readonly number: number
  readonly name: string
  readonly generation: number
  readonly parts: number
  readonly partBytes: number
  readonly deltas: number
  readonly deltaBytes: number
}

/** Which version of a note is the newest: LevelDB can give back an older one, sealed as well as this. */
export interface NoteRecord {
  readonly digest: Uint8Array
  readonly version: number
}

export interface CurrentRecord {
  /** Writes so far, this one too. */
  readonly writes: number
  readonly log: number
  readonly size: number
  readonly states: ReadonlyArray<StateRecord>
  readonly notes: ReadonlyArray<NoteRecord>
}

export const encodeRoot = (root: RootRecord): Uint8Array => {
  const writer = new ByteWriter().raw(root.secret).varint(root.logs.length)
  for (const log of root.logs) {
    writer.u16(log.number).raw(log.writer).u8(log.left === undefined ? 0 : 1)
    if (log.left !== undefined) writeHead(writer, log.left)
  }
  writer.varint(root.sessions.length)
  for (const session of root.sessions) writer.raw(session)
  return writer.finish()
}

export const decodeRoot = (bytes: Uint8Array) =>
  parse(bytes, "journal root", (reader): RootRecord => ({
    secret: reader.raw(SECRET_BYTES),
    logs: list(reader, () => ({
      number: reader.u16(),
      writer: reader.raw(WRITER_BYTES),
      left: reader.u8() === 0 ? undefined : readHead(reader)
    })),
    sessions: list(reader, () => reader.raw(SESSION_BYTES))
  }))

export const encodeCurrent = (current: CurrentRecord): Uint8Array => {
  const writer = new ByteWriter().u48(current.writes).u16(current.log).u48(current.size).varint(current.states.length)
  for (const state of current.states) {
    writer.u16(state.number).text(state.name).u32(state.generation)
      .varint(state.parts).varint(state.partBytes).varint(state.deltas).varint(state.deltaBytes)
  }
  writer.varint(current.notes.length)
  for (const note of current.notes) writer.raw(note.digest).varint(note.version)
  return writer.finish()
}

export const decodeCurrent = (bytes: Uint8Array) =>
  parse(bytes, "journal state", (reader): CurrentRecord => ({
    writes: reader.u48(),
    log: reader.u16(),
    size: reader.u48(),
    states: list(reader, () => ({
      number: reader.u16(),
      name: reader.text(EVENT_BYTES),
      generation: reader.u32(),
      parts: reader.varint(),
      partBytes: reader.varint(),
      deltas: reader.varint(),
      deltaBytes: reader.varint()
    })),
    notes: list(reader, () => ({ digest: reader.raw(DIGEST_BYTES), version: reader.varint() }))
  }))

/** A head's root and time; its size is in its key and its peaks beside the leaves. */
export const encodeHead = (head: JournalHead): Uint8Array =>
  new ByteWriter(64).raw(head.root).text(String(head.recordedAt)).finish()

export const decodeHead = (bytes: Uint8Array) =>
  parse(bytes, "journal head", (reader) => ({ root: reader.raw(HASH_BYTES), recordedAt: readTime(reader) }))

export interface LeavesRecord {
  readonly leaves: ReadonlyArray<Uint8Array>
  readonly peaks: ReadonlyArray<Uint8Array>
}

export const encodeLeaves = ({ leaves, peaks }: LeavesRecord): Uint8Array => {
  const writer = new ByteWriter((leaves.length + peaks.length) * HASH_BYTES + 8)
  writeHashes(writer, leaves)
  writeHashes(writer, peaks)
  return writer.finish()
}

export const decodeLeaves = (bytes: Uint8Array) =>
  parse(bytes, "journal leaves", (reader): LeavesRecord => ({ leaves: readHashes(reader), peaks: readHashes(reader) }))

export interface Note {
  readonly version: number
  readonly name: string
  readonly text: string
}

export const encodeNote = ({ name, text, version }: Note): Uint8Array =>
  new ByteWriter(name.length + text.length + 24).varint(version).text(name).text(text).finish()

export const decodeNote = (bytes: Uint8Array) =>
  parse(bytes, "journal note", (reader): Note => ({
    version: reader.varint(),
    name: reader.text(bytes.length),
    text: reader.text(bytes.length)
  }))

/** Keys and their new values; forgotten ones have none. Snapshots are written as deltas from nothing. */
export const encodeDelta = (delta: StateDelta): Uint8Array => {
  const writer = new ByteWriter(delta.length * 64 + 8).varint(delta.length)
  for (const [key, value] of delta) {
    writer.text(key).u8(value === undefined ? 0 : 1)
    if (value !== undefined) writer.text(value)
  }
  return writer.finish()
}

/** Plays a delta onto a table. */
export const applyDelta = (bytes: Uint8Array, table: Map<string, string>) =>
  parse(bytes, "journal delta", (reader) => {
    for (let left = reader.count(bytes.length); left > 0; left--) {
      const key = reader.text(bytes.length)
      if (reader.u8() === 0) table.delete(key)
      else table.set(key, reader.text(bytes.length))
    }
  })

/** The newest write and the newest head, as they stand outside LevelDB. */
export interface MarkRecord {
  readonly writes: number
  readonly writer: Uint8Array
  readonly size: number
  readonly root: Uint8Array
}

export const encodeMark = (mark: MarkRecord): Uint8Array =>
  new ByteWriter(64).u48(mark.writes).raw(mark.writer).u48(mark.size).raw(mark.root).finish()

export const decodeMark = (bytes: Uint8Array) =>
  parse(bytes, "journal mark", (reader): MarkRecord => ({
    writes: reader.u48(),
    writer: reader.raw(WRITER_BYTES),
    size: reader.u48(),
    root: reader.raw(HASH_BYTES)
  }))

const writeHead = (writer: ByteWriter, head: JournalHead) => {
  writer.u48(head.size).raw(head.root).text(String(head.recordedAt))
  writeHashes(writer, head.peaks)
}

const readHead = (reader: ByteReader): JournalHead => ({
  size: reader.u48(),
  root: reader.raw(HASH_BYTES),
  recordedAt: readTime(reader),
  peaks: readHashes(reader)
})

const writeHashes = (writer: ByteWriter, hashes: ReadonlyArray<Uint8Array>) => {
  writer.varint(hashes.length)
  for (const hash of hashes) writer.raw(hash)
}

const readHashes = (reader: ByteReader) => list(reader, () => reader.raw(HASH_BYTES))

/** Times before 1970 are negative, which no number here can be. */
const readTime = (reader: ByteReader): number => {
  const time = Number(reader.text(MAX_TIME_BYTES))
  return Number.isSafeInteger(time) ? time : reader.fail("Malformed", "a time that is no number")
}

const MAX_TIME_BYTES = 17

/** As many as its count says; none can be shorter than a byte, so the count cannot exceed what is there. */
const list = <A>(reader: ByteReader, read: () => A): ReadonlyArray<A> => {
  const count = reader.count(reader.remaining)
  const items: Array<A> = []
  for (let left = count; left > 0; left--) items.push(read())
  return items
}
