/**
 * The keys of the journal's LevelDB: a kind, for what belongs to a log the log's number, then the place. Numbers are
 * big-endian, so that LevelDB's order of bytes is the order of the log, and a log begins by its number alone: a new one
 * is written beside the old and takes over in a single write.
 *
 * | Key | Value |
 * |---|---|
 * | `00` | what this is and its version, in clear |
 * | `01` | a constant, sealed: tells a wrong key from damage |
 * | `02` | the root: logs, sessions, the secret of the content index |
 * | `03` | where the growing log and what sources remember stand; rewritten by every write |
 * | `04 digest` | a note |
 * | `05 source generation 00 part` | what a source remembers: a part of its snapshot |
 * | `05 source generation 01 n` | … and a change to it since |
 * | `10 log 01 first` | the block that begins there |
 * | `10 log 02 size` | the head after the block that ends there |
 * | `10 log 03 leaf` | hashes of the leaves a block completed, from that one on, and the compact range after them |
 * | `10 log 04 digest` | where a content was first stored |
 */
import { Buffer } from "node:buffer"

export type Key = Uint8Array

export const FORMAT: Key = Buffer.of(0x00)
export const CHECK: Key = Buffer.of(0x01)
export const ROOT: Key = Buffer.of(0x02)
export const CURRENT: Key = Buffer.of(0x03)

export const note = (digest: Uint8Array): Key => Buffer.concat([Buffer.of(0x04), digest])

export const statePart = (source: number, generation: number, part: number): Key =>
  stateKey(source, generation, 0, part)

export const stateDelta = (source: number, generation: number, n: number): Key => stateKey(source, generation, 1, n)

/** What is kept of a log, by place. */
export const ENTRY = 0x01
export const HEAD = 0x02
export const LEAVES = 0x03
const CONTENT = 0x04
export type Kind = typeof ENTRY | typeof HEAD | typeof LEAVES

export const inLog = (log: number, kind: Kind, place: number): Key => {
  const key = Buffer.allocUnsafe(10)
  writeLog(key, log, kind)
  key.writeUIntBE(place, 4, 6)
  return key
}

export const content = (log: number, digest: Uint8Array): Key => {
  const key = Buffer.allocUnsafe(4 + digest.length)
  writeLog(key, log, CONTENT)
  key.set(digest, 4)
  return key
}

/** Whether it is a key of a block, a head or leaves: one that `inLog` makes. */
export const isInLog = (key: Key): boolean =>
  key.length === 10 && key[0] === 0x10 && key[3]! >= ENTRY && key[3]! <= LEAVES

/** Which log a key made by `inLog` belongs to, and what it is of. */
export const logOf = (key: Key): number => (key[1]! << 8) | key[2]!
export const kindOf = (key: Key): number => key[3]!

/** The place of a key made by `inLog`. */
export const placeOf = (key: Key): number => Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUIntBE(4, 6)

/** All of a log from this kind's place on. */
export const from = (log: number, kind: Kind, place: number): Range => ({
  gte: inLog(log, kind, place),
  lt: afterKind(log, kind)
})

/** All of a log before this kind's place. */
export const before = (log: number, kind: Kind, place: number): Range => ({
  gte: inLog(log, kind, 0),
  lt: inLog(log, kind, place)
})

export const contentsOf = (log: number): Range => ({
  gte: content(log, new Uint8Array(0)),
  lt: afterKind(log, CONTENT)
})

/** Everything of the logs from this number on. */
export const logsFrom = (log: number): Range => ({ gte: inLog(log, ENTRY, 0), lt: Buffer.of(0x11) })

/** Keys from one on and before another. */
export interface Range {
  readonly gte: Key
  readonly lt: Key
}

/** Logs a journal can hold. */
export const LOGS = 0xffff

const afterKind = (log: number, kind: number): Key => {
  const key = Buffer.allocUnsafe(4)
  writeLog(key, log, kind + 1)
  return key
}

const writeLog = (key: Buffer, log: number, kind: number) => {
  key[0] = 0x10
  key.writeUInt16BE(log, 1)
  key[3] = kind
}

const stateKey = (source: number, generation: number, kind: number, n: number): Key => {
  const key = Buffer.allocUnsafe(12)
  key[0] = 0x05
  key.writeUInt16BE(source, 1)
  key.writeUInt32BE(generation, 3)
  key[7] = kind
  key.writeUInt32BE(n, 8)
  return key
}
