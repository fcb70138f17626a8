/**
 * What the journal costs: opening whatever its size, appending one message, loading what a source remembers.
 *
 *   node .ci/ts.mjs packages/adapters/test/bench/journal.ts [folder]
 *
 * The folder should be on the disk that matters; syncs are most of the cost. Prints a table and one line of JSON.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { createLevelJournal, openLevelJournal } from "@sealog/adapters/journal/Level"
import type { JournalShape } from "@sealog/core/backup/Journal"
import * as Entropy from "@sealog/core/keys/Entropy"
import { KeyRing, makeKeyRing } from "@sealog/core/keys/KeyRing"
import { EntryMaker } from "@sealog/core/testing/JournalEntries"
import { Effect, Layer, Redacted } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const keys = makeKeyRing({
  vaultId: new Uint8Array(32).fill(1),
  epochs: new Map([[0, Redacted.make(new Uint8Array(32).fill(2))]])
})
const services = Layer.mergeAll(NodeFileSystem.layer, Entropy.layer, Layer.succeed(KeyRing, keys))

const print = (line: string) => process.stdout.write(`${line}\n`)
const results: Record<string, number> = {}
const note = (name: string, value: number, unit: string) => {
  results[name] = Math.round(value * 100) / 100
  print(`${name.padEnd(46)} ${value.toFixed(2).padStart(10)} ${unit}`)
}
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const begun = performance.now()
    return Effect.map(effect, (value) => [value, performance.now() - begun] as const)
  })

const withJournal = <A, E>(path: string, work: (journal: JournalShape) => Effect.Effect<A, E>) =>
  Effect.scoped(Effect.flatMap(openLevelJournal({ path }), work))

/** Fills a new journal, then opens it three times; the first opening replays LevelDB's log. */
const opening = Effect.fn("bench.opening")(function*(root: string, label: string, blocks: number, events: number) {
  const path = join(root, label)
  yield* createLevelJournal({ path })
  const maker = new EntryMaker()
  const entries = yield* Effect.forEach(
    Array.from({ length: blocks }, () => 0),
    () => maker.entry(events, { size: 60 })
  )
  const [, filling] = yield* timed(
    withJournal(path, (journal) => Effect.forEach(entries, journal.append, { discard: true }))
  )
  note(`append ${label}, a block`, filling / blocks, "ms")
  for (const turn of ["first", "second", "third"]) {
    const [, taken] = yield* timed(withJournal(path, (journal) => journal.head))
    note(`open ${label}, ${turn} time`, taken, "ms")
  }
})

const main = Effect.gen(function*() {
  const root = yield* Effect.promise(() => mkdtemp(join(process.argv[2] ?? tmpdir(), "sealog-bench-")))
  yield* opening(root, "nothing", 1, 1)
  yield* opening(root, "1,000 blocks of 1,000 events", 1000, 1000)
  yield* opening(root, "50,000 blocks of 1 event", 50_000, 1)
  const path = join(root, "latency")
  yield* createLevelJournal({ path })
  yield* withJournal(
    path,
    Effect.fn("bench.latency")(function*(journal) {
      const maker = new EntryMaker()
      const taken: Array<number> = []
      for (let n = 0; n < 3000; n++) {
        const entry = yield* maker.entry(1, { size: 300, states: [{ source: "s", delta: [[`message ${n}`, "seen"]] }] })
        taken.push((yield* timed(journal.append(entry)))[1])
      }
      taken.sort((a, b) => a - b)
      note("append one event of 300 bytes, p50", taken[1500]!, "ms")
      note("append one event of 300 bytes, p99", taken[2970]!, "ms")
      yield* journal.replaceState(
        "big",
        new Map(Array.from({ length: 50_000 }, (_, n) => [`message key ${n}`, `flags and place ${n}`]))
      )
      note("load 50,000 entries of a state", (yield* timed(journal.state("big")))[1], "ms")
      for (let n = 0; n < 500; n++) {
        yield* journal.remember("many", Array.from({ length: 100 }, (_, k) => [`key ${n} ${k}`, "value"]))
      }
      note("load 50,000 entries from 500 changes", (yield* timed(journal.state("many")))[1], "ms")
    })
  )
  print(JSON.stringify({ schema: "sealog.bench.journal/1", ...results }))
  yield* Effect.promise(() => rm(root, { recursive: true }))
})

void Effect.runPromise(Effect.provide(main, services))
