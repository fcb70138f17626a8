/**
 * The record that `calls.c` keeps of what a program did to files, read back: one entry for each call that succeeded,
 * and one for each line that the program said, in the order in which they came about.
 */
import type { Buffer } from "node:buffer"
import { constants } from "node:fs"

export type Call =
  /** A process began: descriptors of those before it mean nothing to it. */
  | { readonly kind: "begin" }
  | {
    readonly kind: "open"
    readonly fd: number
    readonly path: string
    readonly create: boolean
    readonly cut: boolean
  }
  | { readonly kind: "write"; readonly fd: number; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly fd: number; readonly length: number }
  | { readonly kind: "sync"; readonly fd: number }
  | { readonly kind: "rename" | "link"; readonly from: string; readonly to: string }
  | { readonly kind: "unlink" | "mkdir" | "rmdir"; readonly path: string }
  | { readonly kind: "said"; readonly text: string }

/** Letter, descriptor, offset and two lengths, before the bytes. */
const HEAD_BYTES = 24

export const readRecord = (record: Buffer): ReadonlyArray<Call> => {
  const calls: Array<Call> = []
  for (let at = 0; at < record.length;) {
    const letter = String.fromCharCode(record.readUInt32LE(at))
    const fd = record.readInt32LE(at + 4)
    const offset = Number(record.readBigUInt64LE(at + 8))
    const middle = at + HEAD_BYTES + record.readUInt32LE(at + 16)
    const end = middle + record.readUInt32LE(at + 20)
    if (end > record.length) throw new Error(`the record of calls ends within one, at byte ${at}`)
    calls.push(callOf(letter, fd, offset, record.subarray(at + HEAD_BYTES, middle), record.subarray(middle, end)))
    at = end
  }
  return calls
}

const callOf = (letter: string, fd: number, offset: number, first: Buffer, second: Buffer): Call => {
  const path = () => first.toString("utf8")
  switch (letter) {
    case "B":
      return { kind: "begin" }
    case "O":
      return {
        kind: "open",
        fd,
        path: path(),
        create: (offset & constants.O_CREAT) !== 0,
        cut: (offset & constants.O_TRUNC) !== 0
      }
    case "W":
      return { kind: "write", fd, offset, bytes: first }
    case "T":
      return { kind: "truncate", fd, length: offset }
    case "S":
      return { kind: "sync", fd }
    case "R":
      return { kind: "rename", from: path(), to: second.toString("utf8") }
    case "L":
      return { kind: "link", from: path(), to: second.toString("utf8") }
    case "U":
      return { kind: "unlink", path: path() }
    case "M":
      return { kind: "mkdir", path: path() }
    case "D":
      return { kind: "rmdir", path: path() }
    case "A":
      return { kind: "said", text: path() }
    default:
      throw new Error(`a call was made that power cuts are not modelled for: ${letter} ${path()}`)
  }
}

/** In words, for whoever looks at a cut. */
export const describe = (call: Call): string => {
  switch (call.kind) {
    case "begin":
      return "a start"
    case "open":
    case "unlink":
    case "mkdir":
    case "rmdir":
      return `${call.kind} ${call.path}`
    case "write":
      return `a write of ${call.bytes.length} bytes`
    case "truncate":
      return "a truncation"
    case "sync":
      return "a sync"
    case "rename":
    case "link":
      return `${call.kind} ${call.from} to ${call.to}`
    case "said":
      return "an acknowledgement"
  }
}
