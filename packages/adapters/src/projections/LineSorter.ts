/**
 * Sorts any number of lines with little memory: what does not fit is sorted and set aside in files, and merged at the
 * end. Of several lines with one key the last one added counts; a key can also be struck out.
 *
 * A hot path of many small reads and writes: `node:fs`, without an effect for each line.
 */
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { join } from "node:path"

/** Lines held in memory before they are set aside, bytes. */
const MEMORY_BYTES = 48 * 1024 * 1024
const READ_BYTES = 256 * 1024

export interface KeyedLine {
  readonly key: Uint8Array
  /** Absent: this key is struck out. */
  readonly line: Buffer | undefined
}

export interface LineSorter {
  readonly add: (key: Uint8Array, line: string | undefined) => void
  /** Every line in order, together with others that are sorted already and count less. */
  readonly merge: (older?: Iterable<KeyedLine>) => Generator<KeyedLine>
}

/** `folder` is made when it is needed, and is the caller's to remove. */
export const makeLineSorter = (folder: string): LineSorter => {
  let held: Array<KeyedLine> = []
  let bytes = 0
  const files: Array<string> = []

  const sorted = (): ReadonlyArray<KeyedLine> => {
    // Sorting is stable: of equal keys the last one added comes last.
    const lines = held.toSorted((a, b) => Buffer.compare(a.key, b.key))
    held = []
    bytes = 0
    return lines.filter((each, at) => at + 1 === lines.length || Buffer.compare(each.key, lines[at + 1]!.key) !== 0)
  }

  const setAside = (): void => {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
    const path = join(folder, `lines-${files.length}`)
    const file = fs.openSync(path, "wx", 0o600)
    try {
      for (const block of blocks(sorted())) fs.writeSync(file, block)
    } finally {
      fs.closeSync(file)
    }
    files.push(path)
  }

  return {
    add: (key, line) => {
      const text = line === undefined ? undefined : Buffer.from(line)
      held.push({ key, line: text })
      bytes += key.length + (text?.length ?? 0) + 64
      if (bytes > MEMORY_BYTES) setAside()
    },
    merge: function*(older = []) {
      yield* mergeSorted([older, ...files.map(readBack), sorted()])
    }
  }
}

/** Merges sorted inputs; of equal keys that of the last input counts. */
function* mergeSorted(inputs: ReadonlyArray<Iterable<KeyedLine>>): Generator<KeyedLine> {
  const heads = inputs.map((input) => {
    const iterator = input[Symbol.iterator]()
    return { iterator, next: iterator.next() }
  })
  for (;;) {
    let least: KeyedLine | undefined
    for (const { next } of heads) {
      if (next.done !== true && (least === undefined || Buffer.compare(next.value.key, least.key) <= 0)) {
        least = next.value
      }
    }
    if (least === undefined) return
    for (const head of heads) {
      if (head.next.done !== true && Buffer.compare(head.next.value.key, least.key) === 0) {
        head.next = head.iterator.next()
      }
    }
    if (least.line !== undefined) yield least
  }
}

/** `u32 key length, key, u32 line length + 1 (0: struck out), line`, gathered into larger writes. */
function* blocks(lines: Iterable<KeyedLine>): Generator<Buffer> {
  let pieces: Array<Uint8Array> = []
  let size = 0
  for (const { key, line } of lines) {
    pieces.push(u32(key.length), key, u32(line === undefined ? 0 : line.length + 1), line ?? NOTHING)
    size += key.length + (line?.length ?? 0)
    if (size < READ_BYTES) continue
    yield Buffer.concat(pieces)
    pieces = []
    size = 0
  }
  yield Buffer.concat(pieces)
}

function* readBack(path: string): Generator<KeyedLine> {
  const file = fs.openSync(path, "r")
  let buffer: Buffer = Buffer.alloc(0)
  const take = (length: number): Buffer | undefined => {
    while (buffer.length < length) {
      const more = Buffer.allocUnsafe(Math.max(READ_BYTES, length - buffer.length))
      const count = fs.readSync(file, more)
      if (count === 0) return undefined
      buffer = Buffer.concat([buffer, more.subarray(0, count)])
    }
    const taken = buffer.subarray(0, length)
    buffer = buffer.subarray(length)
    return taken
  }
  try {
    for (;;) {
      const keyLength = take(4)
      if (keyLength === undefined) return
      const key = take(keyLength.readUInt32BE())!
      const lineLength = take(4)!.readUInt32BE()
      yield { key, line: lineLength === 0 ? undefined : take(lineLength - 1)! }
    }
  } finally {
    fs.closeSync(file)
  }
}

const NOTHING = new Uint8Array(0)

const u32 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}
