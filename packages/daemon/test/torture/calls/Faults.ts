/** Tells `calls.c` which calls are to fail, while the program runs: memory shared through a file. */
import { Buffer } from "node:buffer"
import * as fs from "node:fs"

/** Of so many calls of each kind one fails, on average; 0 for none. */
export interface Odds {
  readonly open: number
  readonly write: number
  readonly sync: number
  readonly name: number
}

export interface Faults {
  /** From now on, the same for the same seed and the same calls. */
  readonly arm: (seed: number, odds: Odds) => void
  readonly disarm: () => void
  /** Calls that failed so far, by kind. */
  readonly failed: () => Readonly<Record<keyof Odds, number>>
  readonly close: () => void
}

/** As `struct faults` has it: armed, seed, calls, reserved; then for each kind its odds, and how many failed. */
const ODDS_AT = 16
const FAILED_AT = 32
const BYTES = 48
const KINDS = ["open", "write", "sync", "name"] as const
const WHOLE = 65_536

/** Opens the file, made with nothing that fails where it is not there. */
export const openFaults = (path: string): Faults => {
  if (!fs.existsSync(path)) fs.writeFileSync(path, Buffer.alloc(BYTES))
  const file = fs.openSync(path, "r+")
  const put = (at: number, value: number): void => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    fs.writeSync(file, bytes, 0, 4, at)
  }
  return {
    arm: (seed, odds) => {
      put(4, seed)
      put(8, 0)
      for (const [at, kind] of KINDS.entries()) {
        put(ODDS_AT + 4 * at, odds[kind] === 0 ? 0 : Math.ceil(WHOLE / odds[kind]))
      }
      put(0, 1)
    },
    disarm: () => put(0, 0),
    failed: () => {
      const bytes = Buffer.alloc(BYTES)
      fs.readSync(file, bytes, 0, BYTES, 0)
      const [open, write, sync, name] = KINDS.map((_, at) => bytes.readUInt32LE(FAILED_AT + 4 * at)) as [
        number,
        number,
        number,
        number
      ]
      return { open, write, sync, name }
    },
    close: () => fs.closeSync(file)
  }
}

/** Each kind more or less often, one of them often. */
export const chooseOdds = (random: () => number): Odds => {
  const often = Math.floor(random() * KINDS.length)
  const [open, write, sync, name] = KINDS.map((_, at) => at === often ? 20 : Math.floor(50 + random() * 150)) as [
    number,
    number,
    number,
    number
  ]
  return { open, write, sync, name }
}
