/**
 * What the machine allows: the pieces of a first backup that nobody can leave out, each by itself on one thread, over
 * the bytes of the same mailbox. A first backup on so many cores cannot be faster than their sum divided by these.
 */
import { compressSync } from "@sealog/core/format/Compression"
import { CHUNK_BYTES } from "@sealog/core/format/Limits"
import { Effect } from "effect"
import { createCipheriv, createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { freshFolder } from "../Folder.ts"
import { filesOf, keptMailbox } from "../Mailbox.ts"
import type { Asked, Reading, Row, Scenario, Unit } from "../Row.ts"
import { medianOf } from "../Verdict.ts"

const SYNCS = 200
/** What one message takes in the journal, roughly. */
const RECORD_BYTES = 512

interface LimitRow extends Omit<Row, "scenario" | "bounds"> {
  readonly unit: Unit
  /** One figure, in the row's unit. */
  readonly limit: (mails: Mails) => number
}

interface Mails {
  readonly paths: ReadonlyArray<string>
  /** The bytes of each. */
  readonly contents: ReadonlyArray<Buffer>
  /** On the disk that is measured. */
  readonly place: string
}

const measure = Effect.fn("bench.limits")(function*(asked: Asked, wanted: ReadonlySet<string>) {
  const { path: store } = yield* keptMailbox(asked)
  const paths = [...filesOf(store).keys()].map((path) => join(store, path))
  const contents = paths.map((path) => fs.readFileSync(path))
  const place = yield* freshFolder(join(asked.folder, "work", "limits"))
  const bytes = contents.reduce((sum, { length }) => sum + length, 0)
  const beside = { mails: paths.length.toLocaleString("en"), bytes: `${Math.round(bytes / 1e6)} MB` }
  const readings = new Map<string, Reading>()
  for (const { limit, name } of limits) {
    if (!wanted.has(name)) continue
    const own: Array<number> = []
    const processor: Array<number> = []
    for (let run = 0; run < asked.runs; run++) {
      const before = process.cpuUsage()
      own.push(limit({ contents, paths, place }))
      const { system, user } = process.cpuUsage(before)
      processor.push((system + user) / 1e6)
    }
    asked.say(`${name}: ${medianOf(own).toPrecision(3)}`)
    readings.set(name, name === "limit-sync" ? { own } : { own, beside: { processor: medianOf(processor), ...beside } })
  }
  return readings
})

/** Seconds. */
const timed = (work: () => void): number => {
  const from = performance.now()
  work()
  return (performance.now() - from) / 1_000
}

const readAll = ({ paths }: Mails): void => {
  for (const path of paths) {
    const file = fs.openSync(path, "r")
    const { size } = fs.fstatSync(file)
    fs.readSync(file, Buffer.allocUnsafe(size), 0, size, 0)
    fs.closeSync(file)
  }
}

const sealAll = ({ contents }: Mails): void => {
  const [key, nonce] = [Buffer.alloc(32), Buffer.alloc(12)]
  const chunk = Buffer.alloc(CHUNK_BYTES)
  const bytes = contents.reduce((sum, { length }) => sum + length, 0)
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 })
    cipher.update(left < CHUNK_BYTES ? chunk.subarray(0, left) : chunk)
    cipher.final()
    cipher.getAuthTag()
  }
}

/** Milliseconds a record, the median. */
const syncRecords = ({ place }: Mails): number => {
  const file = fs.openSync(join(place, "records"), "a")
  const record = Buffer.alloc(RECORD_BYTES, 1)
  const seconds = Array.from({ length: SYNCS }, () =>
    timed(() => {
      fs.writeSync(file, record)
      fs.fdatasyncSync(file)
    }))
  fs.closeSync(file)
  return 1_000 * medianOf(seconds)
}

const limits: ReadonlyArray<LimitRow> = [
  {
    name: "limit-read",
    work: "Reading the store and doing nothing",
    how: "open, fstat, read, close of each mail",
    unit: "seconds",
    limit: (mails) => timed(() => readAll(mails))
  },
  {
    name: "limit-hash",
    work: "Hashing its bytes",
    how: "SHA-256 of each mail",
    unit: "seconds",
    limit: ({ contents }) =>
      timed(() => {
        for (const each of contents) createHash("sha256").update(each).digest()
      })
  },
  {
    name: "limit-compress",
    work: "Compressing its bytes",
    how: "each mail by itself, as the program does it",
    unit: "seconds",
    limit: ({ contents }) =>
      timed(() => {
        for (const each of contents) compressSync(each)
      })
  },
  {
    name: "limit-seal",
    work: "Sealing its bytes",
    how: "native ChaCha20-Poly1305 over chunks of 64 KiB, of as many bytes as before compressing",
    unit: "seconds",
    limit: (mails) => timed(() => sealAll(mails))
  },
  {
    name: "limit-sync",
    work: "Syncing one record",
    how: `a write of ${RECORD_BYTES} bytes at a file's end and its fdatasync, the median of ${SYNCS}`,
    unit: "milliseconds",
    limit: syncRecords
  }
]

const scenario: Scenario = { name: "limits", title: "What the machine allows", sizes: ["runs", "mails"], measure }

export const limitRows: ReadonlyArray<Row> = limits.map(({ limit: _limit, ...row }) => ({
  ...row,
  bounds: { on: "figure" },
  scenario
}))
