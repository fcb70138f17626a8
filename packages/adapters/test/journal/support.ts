/** What tests of journals share: a vault's keys, a folder, and a journal in it. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { createLevelJournal, type LevelJournalOptions, openLevelJournal } from "@sealog/adapters/journal/Level"
import type { JournalShape } from "@sealog/core/backup/Journal"
import { eventsOf } from "@sealog/core/format/Block"
import { LEAF_EVENTS } from "@sealog/core/format/Limits"
import * as Entropy from "@sealog/core/keys/Entropy"
import { KeyRing, makeKeyRing } from "@sealog/core/keys/KeyRing"
import { JournalUnderTest } from "@sealog/core/testing/JournalContract"
import { EntryMaker } from "@sealog/core/testing/JournalEntries"
import { Effect, Layer, Queue, Redacted, Stream } from "effect"
import { build } from "esbuild"
import { type ChildProcess, spawn } from "node:child_process"
import { renameSync } from "node:fs"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { freshFolder } from "../support.ts"

/** The key ring of a test vault with as many epochs. */
export const ringOf = (epochs: number, fill = 1) =>
  makeKeyRing({
    vaultId: new Uint8Array(32).fill(fill),
    epochs: new Map(
      Array.from({ length: epochs }, (_, epoch) => [epoch, Redacted.make(new Uint8Array(32).fill(epoch + fill))])
    )
  })

const keys = Layer.succeed(KeyRing, ringOf(1))

/** All that a journal needs beside its folder. */
export const services = Layer.mergeAll(NodeFileSystem.layer, Entropy.layer, keys)

/** An empty journal in a fresh folder; without reserved space, which costs more than everything else here. */
export const freshJournal = Effect.fn("test.freshJournal")(function*(options?: Partial<LevelJournalOptions>) {
  const path = `${yield* freshFolder}/journal`
  yield* createLevelJournal({ path, ballastBytes: 0, ...options })
  return path
})

export const levelUnderTest = Layer.scoped(
  JournalUnderTest,
  Effect.gen(function*() {
    const path = yield* freshJournal()
    return { open: Effect.provide(openLevelJournal({ path, ballastBytes: 0 }), services) }
  })
).pipe(Layer.provide(services))

/** The events of the leaf that is not full. */
export const openEventsOf = Effect.fn("test.openEventsOf")(function*(journal: JournalShape) {
  const { size } = yield* journal.head
  const from = size - (size % LEAF_EVENTS)
  const blocks = [...(yield* Stream.runCollect(journal.blocks({ from })))]
  const events = yield* Effect.forEach(blocks, eventsOf)
  return events.flat().slice(from - (blocks[0]?.first ?? from))
})

/** Appends blocks of so many events each, with what a source remembers of each. */
export const fill = Effect.fn("test.fill")(function*(journal: JournalShape, sizes: ReadonlyArray<number>) {
  const maker = new EntryMaker({ head: yield* journal.head, openEvents: yield* openEventsOf(journal) })
  for (const count of sizes) {
    const { size } = yield* journal.head
    yield* journal.append(
      yield* maker.entry(count, { states: [{ source: "s", delta: [[`k${size % 7}`, String(size)]] }] })
    )
  }
})

/** All that a journal gives out, as text: two that say the same hold the same. */
export const everything = Effect.fn("test.everything")(function*(journal: JournalShape) {
  const head = yield* journal.head
  const blocks = [...(yield* Stream.runCollect(journal.blocks({ from: 0 })))]
  const heads = yield* Effect.forEach(blocks, (block) => journal.headAt({ size: block.first + block.count }))
  const leaves = yield* journal.leaves({ from: 0, to: Math.floor(head.size / LEAF_EVENTS) })
  const state = [...(yield* journal.state("s"))]
  const note = yield* journal.readNote("n")
  return JSON.stringify(plain({ head, heads, blocks, leaves, state, note }))
})

/** Bytes as text, whichever of the two classes for them they are of, and fields by name. */
const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64")
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  return Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1).map(([key, field]) => [key, plain(field)])
}

/** What a scrub finds. */
export const findings = (journal: JournalShape) => Effect.map(Stream.runCollect(journal.scrub), (found) => [...found])

/** A process of its own on a journal (`writer.ts`), killed with the scope; its lines as they come. */
export const spawnWriter = Effect.fn("test.spawnWriter")(function*(path: string, task: "append" | "hold" | "touch") {
  const script = yield* builtWriter
  const lines = yield* Queue.unbounded<string>()
  let last = ""
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const started = spawn(process.execPath, [script, path, task], { stdio: ["ignore", "pipe", "inherit"] })
      createInterface(started.stdout).on("line", (line) => {
        last = line
        Queue.unsafeOffer(lines, line)
      })
      return started
    }),
    kill
  )
  return { lines, pid: child.pid, kill: kill(child), last: () => last }
})

/** SIGKILL, and wait until it is gone and all it said has arrived. */
const kill = (child: ChildProcess) =>
  Effect.async<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("close", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

/** Node runs no TypeScript: the script is bundled once a test file, below the package so that it finds LevelDB. */
const builtWriter = Effect.runSync(Effect.cached(Effect.promise(async () => {
  const outfile = fileURLToPath(new URL("../../dist/scripts/journalWriter.mjs", import.meta.url))
  const unfinished = `${outfile}.${process.pid}.tmp`
  await build({
    entryPoints: [fileURLToPath(new URL("writer.ts", import.meta.url))],
    outfile: unfinished,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["@sealog/source"],
    external: ["classic-level", "@parcel/watcher", "@node-rs/argon2"],
    banner: {
      js: "import { createRequire as requireFrom } from \"node:module\"\nconst require = requireFrom(import.meta.url)"
    },
    logLevel: "error"
  })
  renameSync(unfinished, outfile)
  return outfile
})))
