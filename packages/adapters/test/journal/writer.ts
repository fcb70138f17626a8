/**
 * A process of its own that opens a journal and does as it is told, for tests that need more than one process or have
 * to kill one: `append` adds single events until it is killed and says the size after each, `hold` opens and waits,
 * `touch` does too and opens and closes LOCK files meanwhile.
 */
import { openLevelJournal } from "@sealog/adapters/journal/Level"
import { EntryMaker } from "@sealog/core/testing/JournalEntries"
import { Effect } from "effect"
import { closeSync, openSync, writeSync } from "node:fs"
import { openEventsOf, services } from "./support.ts"

const [path, task] = process.argv.slice(2) as [string, string]
const say = (line: string) => writeSync(1, `${line}\n`)

const main = Effect.gen(function*() {
  const journal = yield* openLevelJournal({ path, ballastBytes: 0 })
  say("open")
  if (task === "touch") { for (const lock of ["db/LOCK", "lock/LOCK"]) closeSync(openSync(`${path}/${lock}`, "r")) }
  if (task !== "append") return yield* Effect.never
  const maker = new EntryMaker({ head: yield* journal.head, openEvents: yield* openEventsOf(journal) })
  while (true) {
    const first = (yield* journal.head).size
    yield* journal.append(yield* maker.entry(1, { states: [{ source: "s", delta: [["size", String(first + 1)]] }] }))
    say(String(first + 1))
  }
})

void Effect.runPromise(
  Effect.scoped(Effect.provide(main, services)).pipe(
    Effect.catchAll((error) => Effect.sync(() => say(`failed ${error.reason} ${"pid" in error ? error.pid : ""}`)))
  )
)
