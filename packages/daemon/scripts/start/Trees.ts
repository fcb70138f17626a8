/**
 * Holds two trees of files against each other: names as bytes, kinds, contents to the byte, times of modification.
 */
import { Buffer } from "node:buffer"
import * as fs from "node:fs"

export interface Comparison {
  readonly files: number
  readonly folders: number
  readonly bytes: number
  /** What differs, one line each; empty where the trees are the same. */
  readonly differences: ReadonlyArray<string>
}

/** Node sets times through a double, whose steps are a quarter of this, nanoseconds. */
const TIME_GRAIN_NS = 1_000n

export const compareTrees = (left: string, right: string): Comparison => {
  const found = { files: 0, folders: 0, bytes: 0, differences: new Array<string>() }
  compareFolders(Buffer.from(left), Buffer.from(right), found)
  return found
}

interface Found {
  files: number
  folders: number
  bytes: number
  readonly differences: Array<string>
}

const compareFolders = (left: Buffer, right: Buffer, found: Found): void => {
  const here = namesIn(left)
  const there = namesIn(right)
  for (const name of there.keys()) if (!here.has(name)) found.differences.push(`only in ${join(right, name)}`)
  for (const [name, entry] of here) {
    const [a, b] = [join(left, name), join(right, name)]
    const other = there.get(name)
    if (other === undefined) found.differences.push(`only in ${a}`)
    else if (entry.isDirectory() !== other.isDirectory()) found.differences.push(`not of the same kind: ${a}`)
    else if (entry.isDirectory()) {
      found.folders++
      compareFolders(a, b, found)
    } else compareFiles(a, b, found)
  }
}

const compareFiles = (left: Buffer, right: Buffer, found: Found): void => {
  const bytes = fs.readFileSync(left)
  found.files++
  found.bytes += bytes.length
  if (!bytes.equals(fs.readFileSync(right))) found.differences.push(`not the same bytes: ${left}`)
  const apart = fs.statSync(left, { bigint: true }).mtimeNs - fs.statSync(right, { bigint: true }).mtimeNs
  if (apart > TIME_GRAIN_NS || apart < -TIME_GRAIN_NS) found.differences.push(`${apart} ns apart in time: ${left}`)
}

/** By name, one character a byte. */
const namesIn = (folder: Buffer): ReadonlyMap<string, fs.Dirent> => {
  const names = new Map<string, fs.Dirent>()
  for (const entry of fs.readdirSync(folder, { encoding: "latin1", withFileTypes: true })) names.set(entry.name, entry)
  return names
}

const SEPARATOR = Buffer.from("/")
const join = (folder: Buffer, name: string): Buffer => Buffer.concat([folder, SEPARATOR, Buffer.from(name, "latin1")])
