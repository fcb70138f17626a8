/**
 * A machine for tests of the whole way out and back: a home with a real journal, a Maildir, and targets, opened and
 * closed as a program does. Homes and targets are folders, so that a test can copy, roll back and damage them.
 */
import { assert } from "@effect/vitest"
import { createLevelJournal, openLevelJournal } from "@sealog/adapters/journal/Level"
import { makePinFile } from "@sealog/adapters/journal/PinFile"
import { makeJsonLinesProjection } from "@sealog/adapters/projections/JsonLines"
import { makeLineSorter } from "@sealog/adapters/projections/LineSorter"
import { makeMaildirProjection } from "@sealog/adapters/projections/Maildir"
import { openRestoreFolder } from "@sealog/adapters/projections/RestoreFolder"
import { openIMessage } from "@sealog/adapters/sources/IMessage"
import { openJsonl } from "@sealog/adapters/sources/Jsonl"
import { openMaildir } from "@sealog/adapters/sources/Maildir"
import { openWhatsApp } from "@sealog/adapters/sources/whatsapp/WhatsApp"
import { makeDisk, prepareDisk } from "@sealog/adapters/storage/Disk"
import { makeBackup } from "@sealog/core/backup/Backup"
import * as Capture from "@sealog/core/backup/Capture"
import { decodeAll } from "@sealog/core/backup/Entries"
import { HeadPin } from "@sealog/core/backup/HeadPin"
import { Journal } from "@sealog/core/backup/Journal"
import type { Target } from "@sealog/core/backup/Shipper"
import type { OpenSource, SourceShape } from "@sealog/core/backup/Source"
import type { StorageShape } from "@sealog/core/backup/Storage"
import { LocalObjects } from "@sealog/core/backup/Vault"
import { eventsOf } from "@sealog/core/format/Block"
import { encodeVaultFile, VAULT_FILE } from "@sealog/core/format/VaultFile"
import { KeyRing, type KeyRingShape } from "@sealog/core/keys/KeyRing"
import { linesOf } from "@sealog/core/message/CanonicalLines"
import { makeFetch } from "@sealog/core/restore/Fetch"
import type { KnownHead } from "@sealog/core/restore/Open"
import { restore } from "@sealog/core/restore/Restore"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { ringOf } from "../journal/support.ts"
import { makeFolder } from "../sources/MaildirDriver.ts"

export const ring = ringOf(1)

/** One machine: where its home, its mail and its targets lie. */
export interface Machine {
  readonly home: string
  readonly mail: string
  readonly targets: ReadonlyArray<string>
  /** What its store is; a Maildir where nothing is said. */
  readonly kind?: keyof typeof kinds
  /** Told by a test instead of being read from a store. */
  readonly source?: SourceShape
}

const kinds = { jsonl: openJsonl, whatsapp: openWhatsApp, imessage: openIMessage, maildir: openMaildir }

export const openStore = ({ kind = "maildir", mail, source }: Machine): OpenSource =>
  source === undefined ? kinds[kind]({ name: kind, path: mail }) : Effect.succeed(source)

/** A machine with an empty Maildir and a journal without events. */
export const makeMachine = Effect.fn("test.makeMachine")(
  function*(top: string, targets: ReadonlyArray<string> = ["disk"]) {
    const machine: Machine = {
      home: join(top, "home"),
      mail: join(top, "mail"),
      targets: targets.map((name) => join(top, name))
    }
    makeFolder(machine.mail, "")
    yield* prepareDisk(machine.home)
    for (const target of machine.targets) {
      yield* prepareDisk(target)
      yield* (yield* makeDisk(target)).put(VAULT_FILE, encodeVaultFile(ring))
    }
    yield* createLevelJournal({ path: join(machine.home, "journal"), ballastBytes: 0 })
    yield* Effect.scoped(Effect.gen(function*() {
      const journal = yield* openLevelJournal({ path: join(machine.home, "journal"), ballastBytes: 0 })
      const { writer } = yield* journal.identity
      const { root, size } = yield* journal.head
      const pin = yield* makePinFile(join(machine.home, "head.pin"))
      yield* pin.create({ epoch: 0, slots: [], journal: { writer, size, root }, targets: {} })
    }))
    return machine
  },
  Effect.provideService(KeyRing, ring)
)

/** Opens a machine's journal and adapters, as a program that starts. */
export const open = Effect.fn("test.open")(function*(
  machine: Machine,
  change: (storage: StorageShape) => StorageShape = (storage) => storage
) {
  const journal = yield* openLevelJournal({ path: join(machine.home, "journal"), ballastBytes: 0 })
  const local = yield* makeDisk(machine.home)
  const source = yield* openStore(machine)
  const targets = yield* Effect.forEach(
    machine.targets,
    (path) => Effect.map(makeDisk(path), (storage): Target => ({ name: path, storage: change(storage) }))
  )
  const pin = yield* makePinFile(join(machine.home, "head.pin"))
  const backup = yield* Effect.gen(function*() {
    const capture = yield* Capture.make
    return yield* makeBackup({ sources: [source], targets }).pipe(Effect.provideService(Capture.Capture, capture))
  }).pipe(
    Effect.provideService(Journal, journal),
    Effect.provideService(LocalObjects, local),
    Effect.provideService(HeadPin, pin)
  )
  return { backup, journal, pin, source, targets }
}, Effect.provideService(KeyRing, ring))

/** One whole pass of a program that starts, works and ends; tells what it found at each target. */
export const pass = Effect.fn("test.pass")(function*(machine: Machine, offline = false) {
  const { backup, source, targets } = yield* open(machine)
  const findings = offline ? [] : yield* Effect.forEach(targets, (target) => backup.meet(target))
  const { events } = yield* backup.capture(source)
  const ships = offline ? [] : yield* Effect.forEach(targets, (target) => backup.shipTo(target))
  return { events, findings, ships }
}, Effect.scoped)

/** Every event of every log a machine keeps. */
export const eventsIn = Effect.fn("test.eventsIn")(function*(machine: Machine) {
  const { journal } = yield* open(machine)
  const logs = yield* journal.logs
  const blocks = yield* Effect.forEach(
    logs,
    ({ head, writer }) => Stream.runCollect(journal.blocks({ from: 0, to: head.size, writer }))
  )
  const events = yield* Effect.forEach(
    blocks.flatMap((each) => [...each]),
    (block) => Effect.flatMap(eventsOf(block), decodeAll)
  )
  return events.flat()
}, Effect.scoped)

export const fetchFrom = (target: string, keys: KeyRingShape = ring) =>
  Effect.flatMap(makeDisk(target), (storage) => makeFetch([{ name: target, storage }], keys))

/** Restores a target into a folder, as a Maildir or as lines; again into the same folder, only what is new. */
export const restoreInto = Effect.fn("test.restore")(function*(options: {
  readonly target: string
  readonly dir: string
  readonly format?: "maildir" | "jsonl"
  readonly partial?: boolean
  readonly attachments?: boolean
  readonly pinned?: ReadonlyMap<string, ReadonlyArray<KnownHead>>
}) {
  const { attachments = false, dir, format = "maildir", partial = false, pinned = new Map(), target } = options
  const fetch = yield* fetchFrom(target)
  const folder = yield* openRestoreFolder({ dir, format, vaultId: "test", force: false })
  const projection = format === "maildir"
    ? yield* makeMaildirProjection(folder)
    : makeJsonLinesProjection(folder, { attachments })
  const heads = Option.match(folder.mark, { onNone: () => [], onSome: (mark) => mark.heads })
  const since = new Map(
    heads.map(({ peaks, root, size, writer }) =>
      [writer, { size, root: fromHex(root), peaks: peaks.map(fromHex) }] as const
    )
  )
  const report = yield* restore({ fetch, projection, since, pinned, partial })
  yield* folder.writeMark({
    schema: "sealog.restore-mark/1",
    format,
    vaultId: "test",
    messages: report.messages,
    files: projection.writtenFiles(),
    ...(report.logs.every(({ proven }) => proven) && report.unread.length === 0 ? {} : { partial: true }),
    heads: report.logs.flatMap(({ head, writer }) =>
      head.peaks === undefined
        ? []
        : [{ writer: toHex(writer), size: head.size, root: toHex(head.root), peaks: head.peaks.map(toHex) }]
    )
  })
  return { ...report, counts: fetch.counts() }
}, Effect.scoped)

/** The canonical lines of a machine's Maildir as it stands. */
export const dumpLines = Effect.fn("test.dump")(function*(machine: Machine) {
  const source = yield* openStore(machine)
  const sorter = makeLineSorter(join(machine.home, "dump"))
  yield* source.dump().pipe(Stream.runForEach((items) =>
    Effect.forEach(
      items,
      Effect.fnUntraced(function*(item) {
        if (item._tag !== "message") return
        const { content } = item.message
        const bytes = content?._tag === "inline"
          ? { size: content.bytes.length, bytes: Effect.succeed(content.bytes) }
          : undefined
        for (const { key, line } of yield* linesOf(source.name, item.conversation, { message: item.message }, bytes)) {
          sorter.add(key, line)
        }
      })
    )
  ))
  return [...sorter.merge()].map(({ line }) => `${line!.toString()}\n`).join("")
})

/** A step of a history that is no owner's: a pass, or a pass and a restore into the folder of the restores before. */
export const passOrRestore = Effect.fn("test.passOrRestore")(
  function*(machine: Machine, top: string, act: "pass" | "restore") {
    yield* pass(machine)
    if (act === "restore") {
      yield* restoreInto({ target: machine.targets[0]!, dir: join(top, "again"), format: "jsonl" })
    }
  }
)

/** The law: after a last pass, what is restored anew, and what is restored on top, are the lines of the store. */
export const assertLaw = Effect.fn("test.assertLaw")(function*(machine: Machine, top: string) {
  yield* passOrRestore(machine, top, "restore")
  yield* restoreInto({ target: machine.targets[0]!, dir: join(top, "fresh"), format: "jsonl" })
  const dump = yield* dumpLines(machine)
  for (const dir of ["fresh", "again"]) {
    assert.strictEqual(fs.readFileSync(join(top, dir, "messages.jsonl"), "utf8"), dump)
  }
})

/** Every file below a folder with its bytes, and every folder: what `diff -r` would compare. */
const tree = (root: string): ReadonlyArray<string> =>
  walk(root).map(({ bytes, name }) => (bytes === undefined ? `${name}/` : `${name} ${bytes}`))

/** As exactly as Node can set a time: to the microsecond. */
const TIME_NS = 1_000n

/** The files of both have the same names, bytes and times. */
export const assertSameTree = (actual: string, expected: string): void => {
  assert.deepStrictEqual(tree(actual), tree(expected))
  const times = new Map(walk(actual).map(({ mtimeNs, name }) => [name, mtimeNs]))
  for (const { bytes, mtimeNs, name } of walk(expected)) {
    const off = times.get(name)! - mtimeNs
    if (bytes !== undefined) assert.isTrue(off < TIME_NS && off > -TIME_NS, `${name} is ${off} ns off`)
  }
}

const walk = (root: string) => {
  const found: Array<{ readonly name: string; readonly mtimeNs: bigint; readonly bytes: string | undefined }> = []
  const into = (folder: Buffer, name: string): void => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true, encoding: "buffer" })) {
      const path = Buffer.concat([folder, Buffer.from("/"), entry.name])
      const shown = `${name}/${entry.name.toString("latin1")}`
      const { mtimeNs } = fs.lstatSync(path, { bigint: true })
      found.push({ name: shown, mtimeNs, bytes: entry.isDirectory() ? undefined : fs.readFileSync(path, "latin1") })
      if (entry.isDirectory()) into(path, shown)
    }
  }
  into(Buffer.from(root), "")
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Copies a folder as a backup program or a clone of a disk would. */
export const copy = (from: string, to: string): void => {
  fs.rmSync(to, { recursive: true, force: true })
  fs.cpSync(from, to, { recursive: true, preserveTimestamps: true })
}

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
const fromHex = (text: string): Uint8Array => Buffer.from(text, "hex")
