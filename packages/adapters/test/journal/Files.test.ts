/** The files of LevelDB read without it: the same records, and every damage noticed before LevelDB comes near it. */
import { assert, describe, it } from "@effect/vitest"
import { maskedCrc32c } from "@sealog/adapters/journal/Crc32c"
import { openLevelJournal } from "@sealog/adapters/journal/Level"
import { openClassicLevel } from "@sealog/adapters/journal/LevelDatabase"
import { readLogFile } from "@sealog/adapters/journal/LogFile"
import { readManifest } from "@sealog/adapters/journal/ManifestFile"
import { type FileRecord, readTable } from "@sealog/adapters/journal/TableFile"
import { Effect } from "effect"
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { everything, fill, freshJournal, services } from "./support.ts"

const open = (path: string) => openLevelJournal({ path, ballastBytes: 0 })

/** A closed journal with two tables and a log file. */
const journalWithTables = Effect.fn("test.journalWithTables")(function*() {
  const path = yield* freshJournal()
  for (const sizes of [[100, 1, 63, 64, 5], Array.from({ length: 40 }, (_, n) => 1 + n % 4), [3, 2, 1]]) {
    yield* Effect.scoped(Effect.flatMap(open(path), (journal) => fill(journal, sizes)))
  }
  return path
})

/** The numbers of the tables that LevelDB uses. */
const tablesIn = (path: string): Array<number> => {
  const current = readFileSync(`${path}/db/CURRENT`, "utf8").trim()
  return [...readManifest(readFileSync(`${path}/db/${current}`)).tables]
}

/** The file of one of them. */
const someTable = (path: string): string => {
  const [number] = tablesIn(path)
  return readdirSync(`${path}/db`).find((name) => name.endsWith(".ldb") && parseInt(name, 10) === number)!
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

/** The newest value of each key in some files; a deletion is none. */
const newestIn = (folder: string) => {
  const found = new Map<string, { readonly sequence: number; readonly value: string | undefined }>()
  for (const name of readdirSync(folder).filter((each) => /\.(ldb|log)$/.test(each))) {
    const bytes = readFileSync(`${folder}/${name}`)
    const { faults, records } = name.endsWith(".log") ? readLogFile(bytes) : readTable(bytes)
    assert.deepStrictEqual(faults, [])
    for (const { key, sequence, value } of records) {
      if ((found.get(hex(key))?.sequence ?? -1) > sequence) continue
      found.set(hex(key), { sequence, value: value === undefined ? undefined : hex(bytesOf(bytes, value)) })
    }
  }
  return [...found].flatMap(([key, { value }]) => value === undefined ? [] : [[key, value] as const])
    .toSorted(([a], [b]) => a < b ? -1 : 1)
}

const bytesOf = (file: Uint8Array, value: NonNullable<FileRecord["value"]>) =>
  value instanceof Uint8Array ? value : file.subarray(value.offset, value.offset + value.length)

describe("the files of a journal", () => {
  it("have checksums as RFC 3720 has them, turned as LevelDB turns them", () => {
    const crc = 0xe3069283
    assert.strictEqual(maskedCrc32c(Buffer.from("123456789")), (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0)
  })

  /** Verifies: HEAL-2 */
  it.scoped("hold the records that LevelDB gives back", () =>
    Effect.gen(function*() {
      const path = yield* journalWithTables()
      const found = newestIn(`${path}/db`)
      const rows = yield* Effect.promise(async () => {
        const db = await openClassicLevel(`${path}/db`, { create: false })
        const all: Array<readonly [string, string]> = []
        for await (const page of db.pages({ gte: Buffer.of(0), lt: Buffer.of(0xff) })) {
          all.push(...page.map(([key, value]) => [hex(key), hex(value)] as const))
        }
        await db.close()
        return all
      })
      const names = readdirSync(`${path}/db`).filter((name) => name.endsWith(".ldb"))
      // LevelDB may have merged some and not yet removed them.
      assert.includeMembers(names.map((name) => parseInt(name, 10)), tablesIn(path))
      assert.isAbove(rows.length, 100)
      assert.deepStrictEqual(found, rows)
    }).pipe(Effect.provide(services)), 30_000)

  /** Verifies: JRNL-7 */
  it.scoped("name a page of zeros in a table, which would end LevelDB and the process", () =>
    Effect.gen(function*() {
      const path = yield* journalWithTables()
      const said = yield* Effect.scoped(Effect.flatMap(open(path), everything))
      const table = someTable(path)
      const whole = readFileSync(`${path}/db/${table}`)
      const copy = `${path}-copy`
      for (let at = 0; at < whole.length; at += 1_500) {
        rmSync(copy, { recursive: true, force: true })
        cpSync(path, copy, { recursive: true })
        const bytes = Buffer.from(whole)
        bytes.fill(0, at, Math.min(at + 4_096, bytes.length))
        writeFileSync(`${copy}/db/${table}`, bytes)
        const error = yield* Effect.flip(Effect.scoped(open(copy)))
        assert.strictEqual(error.reason, "Corrupt")
        assert.include(error.subject, table)
      }
      assert.strictEqual(yield* Effect.scoped(Effect.flatMap(open(path), everything)), said)
    }).pipe(Effect.provide(services)), 30_000)

  /** Verifies: HEAL-2 */
  it.scoped(
    "give out their records though the end of a table, which says where they are, is gone",
    () =>
      Effect.gen(function*() {
        const path = yield* journalWithTables()
        const table = someTable(path)
        const whole = readFileSync(`${path}/db/${table}`)
        const cut = readTable(whole.subarray(0, whole.length - 100))
        assert.deepStrictEqual(cut.faults, [{ what: "its footer" }])
        assert.deepStrictEqual(
          cut.records.slice(0, readTable(whole).records.length).map(({ key }) => hex(key)),
          readTable(whole).records.map(({ key }) => hex(key))
        )
      }).pipe(Effect.provide(services)),
    30_000
  )

  /** Verifies: JRNL-4 */
  it.scoped("may have others beside them that a crash left unfinished", () =>
    Effect.gen(function*() {
      const path = yield* journalWithTables()
      const said = yield* Effect.scoped(Effect.flatMap(open(path), everything))
      const table = someTable(path)
      const whole = readFileSync(`${path}/db/${table}`)
      writeFileSync(`${path}/db/000777.ldb`, whole.subarray(0, 9_000))
      writeFileSync(`${path}/db/000778.ldb`, "")
      const journal = yield* open(path)
      assert.strictEqual(yield* everything(journal), said)
      writeFileSync(`${path}/db/000779.ldb`, "being merged")
      assert.deepStrictEqual(yield* journal.scrubPart({ from: undefined, bytes: 2 ** 30 }), {
        findings: [],
        next: "log 0 0"
      })
    }).pipe(Effect.provide(services)), 30_000)

  /** Verifies: JRNL-7 */
  it("take a log that ends in the middle of a record for one that a crash cut, and nothing else", () => {
    const record = (text: string) => {
      const bytes = Buffer.alloc(7 + text.length)
      bytes.writeUInt16LE(text.length, 4)
      bytes[6] = 1
      bytes.write(text, 7)
      bytes.writeUInt32LE(maskedCrc32c(bytes, 6), 0)
      return bytes
    }
    const log = Buffer.concat(["one", "two", "three"].map(record))
    assert.deepStrictEqual(readLogFile(log.subarray(0, log.length - 2)).faults, [])
    log[8] = log[8]! ^ 1
    assert.deepStrictEqual(readLogFile(log).faults, [{ what: "bytes 0 to 9" }])
  })
})
