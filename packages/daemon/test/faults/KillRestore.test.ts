/**
 * A restore killed with SIGKILL while it reads, writes and puts into place what it wrote: nothing partial counts as
 * done, and run again it comes to the same as one that was left alone.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { deliver } from "@sealog/adapters/testing/MailboxGenerator"
import { Console, Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { differences, fillMaildir, initialise, type Machine, makeMachine, restoreWords } from "../support/Machine.ts"
import { changes, until } from "./Lives.ts"
import { KILLS, pick, randomOf } from "./Trials.ts"

const MAILS = 600
/** Where it is not killed by chance, a few will do. */
const FEW_MAILS = 60
const LANES = 2
const MARK = ".sealog-restore.json"
const WORK = ".sealog-restore.tmp"
/** A restore of that many mails takes about this long, milliseconds; kills are spread over it. */
const SPREAD_MILLIS = 300

type Format = "maildir" | "jsonl"

/** How a folder differs from what a restore of that form must come to. */
const wrong = (machine: Machine, to: string, format: Format, lines: string): string => {
  if (format === "maildir") return differences(machine.mail, join(to, "maildir"))
  return fs.readFileSync(join(to, "messages.jsonl"), "utf8") === lines ? "" : "the lines are not those of the store"
}

const restoreAgain = Effect.fn("KillRestore.again")(function*(machine: Machine, to: string, format: Format) {
  const { code, err, out } = yield* machine.sealog([...restoreWords(machine, to, format), "--json"])
  assert.strictEqual(code, 0, out + err)
  assert.isFalse(fs.existsSync(join(to, WORK)))
  return JSON.parse(out) as { readonly messages: number; readonly objectsRead: number }
})

const dump = Effect.fn("KillRestore.dump")(function*(machine: Machine) {
  const { code, err, out } = yield* machine.sealog(["source", "dump", `maildir:${machine.mail}`])
  assert.strictEqual(code, 0, err)
  return out
})

const prepare = Effect.fn("KillRestore.prepare")(function*(count: number) {
  const machine = yield* makeMachine
  yield* fillMaildir(machine, { count, seed: 7 })
  yield* initialise(machine)
  const synced = yield* machine.sealog(["sync"])
  assert.strictEqual(synced.code, 0, synced.err)
  return machine
})

describe.concurrent("a restore", () => {
  /** Verifies: FAULT-5 */
  it.scopedLive(
    "that was killed leaves nothing that counts, and comes to the same when it is run again",
    () =>
      Effect.gen(function*() {
        const machine = yield* prepare(MAILS)
        const lines = yield* dump(machine)
        const random = randomOf("restore")
        const kills = Array.from({ length: KILLS }, (_, at) => ({
          at,
          format: pick<Format>(random, ["maildir", "jsonl"]),
          place: random() < 0.3,
          delayMillis: random() * SPREAD_MILLIS
        }))
        let finished = 0
        yield* Effect.forEach(kills, ({ at, delayMillis, format, place }) =>
          Effect.gen(function*() {
            const to = join(machine.folder, `restored ${at}`)
            fs.mkdirSync(to)
            yield* Effect.scoped(Effect.gen(function*() {
              const restore = yield* machine.start(restoreWords(machine, to, format))
              const begun = until(() => fs.existsSync(join(to, WORK, "files")))
              const placed = changes([to], /^(maildir|messages\.jsonl)$/, 1)
              const sign = place ? placed : Effect.zipRight(begun, Effect.sleep(delayMillis))
              yield* Effect.raceFirst(sign, restore.ended)
              yield* restore.kill("SIGKILL")
            }))
            if (fs.existsSync(join(to, MARK))) {
              finished++
              assert.strictEqual(wrong(machine, to, format, lines), "")
            }
            yield* restoreAgain(machine, to, format)
            assert.strictEqual(wrong(machine, to, format, lines), "")
            fs.rmSync(to, { recursive: true })
          }), { concurrency: LANES })
        yield* Console.log(`restore: ${KILLS} kills, ${finished} of them after it was done`)
        assert.isBelow(finished, KILLS)
      }).pipe(Effect.provide(NodeContext.layer)),
    600_000
  )

  /** Verifies: FAULT-5 */
  it.scopedLive(
    "that was proven is ended by the next one, however far it had put its files into place",
    () =>
      Effect.gen(function*() {
        const machine = yield* prepare(FEW_MAILS)
        const to = join(machine.folder, "restored")
        yield* restoreAgain(machine, to, "maildir")
        const placed = fs.readdirSync(join(to, "maildir"))
        let delivered = 0
        for (const kept of [1, placed.length]) {
          undo(to, placed.slice(kept))
          yield* Effect.orDie(deliver({ root: machine.mail, seed: 100 + kept, count: 2 }))
          yield* machine.sealog(["sync"])
          delivered += 2
          const { messages } = yield* restoreAgain(machine, to, "maildir")
          assert.strictEqual(messages, FEW_MAILS + delivered)
          assert.strictEqual(differences(machine.mail, join(to, "maildir")), "")
        }
      }).pipe(Effect.provide(NodeContext.layer)),
    120_000
  )
})

/** Puts entries of a finished restore back to where they were before they were put into place, and its mark too. */
const undo = (to: string, entries: ReadonlyArray<string>): void => {
  fs.mkdirSync(join(to, WORK, "files", "maildir"), { recursive: true })
  for (const entry of entries) fs.renameSync(join(to, "maildir", entry), join(to, WORK, "files", "maildir", entry))
  fs.renameSync(join(to, MARK), join(to, WORK, "mark.json"))
}
