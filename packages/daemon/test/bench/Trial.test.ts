/** A run of contenders that only copy files, to see the runs themselves. */
import { assert, describe, it } from "@effect/vitest"
import { generateMaildir } from "@sealog/adapters/testing/MailboxGenerator"
import { Effect } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Entrant } from "./contenders/Contender.ts"
import { freshFolder } from "./Folder.ts"
import { bytesOf, filesOf, mailboxAt } from "./Mailbox.ts"
import { NO_DERIVATION } from "./Metered.ts"
import { runTrial, type Step, STEPS } from "./Trial.ts"

const nothingTaken = { seconds: 1, cpuSeconds: 1, peakBytes: 1, derivation: NO_DERIVATION, out: "" }

/** Copies what is new in the store; `spoil` gets hold of what it restores. */
const copying = (name: string, log: Array<string>, spoil = (_restored: string): void => {}): Entrant => ({
  name,
  version: Effect.succeed("1"),
  enter: ({ folder, store }) => {
    const vault = join(folder, "vault")
    fs.mkdirSync(vault)
    const does = (word: string, work: () => void) =>
      Effect.sync(() => {
        log.push(`${name} ${word}`)
        work()
        return nothingTaken
      })
    const copy = (from: string, to: string) => fs.cpSync(from, to, { recursive: true, force: false })
    return Effect.succeed({
      name,
      vault,
      backup: does("backs up", () => copy(store.path, vault)),
      restore: (to) =>
        Effect.as(
          does("restores", () => {
            copy(vault, to)
            spoil(to)
          }),
          { ...nothingTaken, restored: to }
        ),
      check: does("checks", () => {})
    })
  }
})

const trial = Effect.fn("test.trial")(function*(
  entrants: ReadonlyArray<Entrant>,
  steps: ReadonlyArray<Step>,
  number = 0
) {
  const folder = yield* freshFolder(fs.mkdtempSync(join(tmpdir(), "sealog-trial-")))
  const store = join(folder, "store")
  yield* generateMaildir({ root: store, count: 20, seed: 1, oddNames: false })
  const options = {
    entrants,
    steps: new Set(steps),
    folder,
    store: mailboxAt(store),
    arrivals: 4,
    run: number,
    say: () => {}
  }
  return { store, trial: yield* runTrial(options), before: filesOf(store).size }
})

describe("trial", () => {
  it.scopedLive(
    "lets everybody do each step before the next, and another begin in each run",
    () =>
      Effect.gen(function*() {
        const log: Array<string> = []
        const entrants = ["a", "b", "c"].map((name) => copying(name, log))
        yield* trial(entrants, ["restore"], 1)
        assert.deepStrictEqual(log, [
          "b backs up",
          "c backs up",
          "a backs up",
          "b restores",
          "c restores",
          "a restores"
        ])
      }),
    60_000
  )

  it.scopedLive(
    "counts what is at the target and what a step put there, and takes the new mails back",
    () =>
      Effect.gen(function*() {
        const { store, trial: measured } = yield* trial([copying("a", [])], STEPS)
        const of = (step: Step) => measured.get(step)!.get("a")!
        assert.strictEqual(of("first").vaultBytes, bytesOf(filesOf(store)))
        assert.strictEqual(of("first").shippedBytes, of("first").vaultBytes)
        assert.strictEqual(of("arrivals").shippedBytes, of("arrivals").vaultBytes - of("first").vaultBytes)
        assert.isAbove(of("arrivals").shippedBytes, 0)
        assert.strictEqual(of("nothing").shippedBytes, 0)
        assert.strictEqual(filesOf(store).size, 20)
      }),
    60_000
  )

  it.scopedLive("does not count what was restored wrong", () =>
    Effect.gen(function*() {
      const lost = copying("lost", [], (restored) => fs.rmSync(join(restored, [...filesOf(restored).keys()][0]!)))
      const more = copying("more", [], (restored) => fs.writeFileSync(join(restored, "more"), "more"))
      const short = copying(
        "short",
        [],
        (restored) => fs.truncateSync(join(restored, [...filesOf(restored).keys()][0]!))
      )
      for (const wrong of [lost, more, short]) {
        const error = yield* Effect.flip(trial([wrong], ["restore"]))
        assert.match(String(error), new RegExp(`${wrong.name} restored something else`))
      }
    }), 60_000)
})
