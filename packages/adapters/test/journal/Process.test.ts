/** The journal between processes: one writer, whatever happens to lock files, and nothing lost to a kill. */
import { assert, describe, it } from "@effect/vitest"
import { openLevelJournal } from "@sealog/adapters/journal/Level"
import { Effect, Queue } from "effect"
import { unlinkSync } from "node:fs"
import { TRIALS } from "../support.ts"
import { findings, freshJournal, services, spawnWriter } from "./support.ts"

const open = (path: string) => openLevelJournal({ path, ballastBytes: 0 })

describe("a journal held by another process", () => {
  const held = Effect.fn("test.held")(function*(task: "hold" | "touch") {
    const path = yield* freshJournal()
    const holder = yield* spawnWriter(path, task)
    assert.strictEqual(yield* Queue.take(holder.lines), "open")
    return { path, holder }
  })

  /** Verifies: JRNL-12 */
  it.scopedLive("is Locked, with the holder's pid, and opens once that is killed", () =>
    Effect.gen(function*() {
      const { holder, path } = yield* held("hold")
      const error = yield* Effect.flip(Effect.scoped(open(path)))
      assert.strictEqual(error.reason, "Locked")
      assert.strictEqual(error.pid, holder.pid)
      yield* holder.kill
      assert.strictEqual((yield* (yield* open(path)).head).size, 0)
    }).pipe(Effect.provide(services)), 30_000)

  /** Verifies: JRNL-12 */
  it.scopedLive("is Locked though its LOCK files were deleted", () =>
    Effect.gen(function*() {
      const { holder, path } = yield* held("hold")
      for (const lock of ["db/LOCK", "lock/LOCK"]) unlinkSync(`${path}/${lock}`)
      const error = yield* Effect.flip(Effect.scoped(open(path)))
      assert.strictEqual(error.reason, "Locked")
      assert.strictEqual(error.pid, holder.pid)
    }).pipe(Effect.provide(services)), 30_000)

  /** Verifies: JRNL-12 */
  it.scopedLive("is Locked though the holder opened and closed its LOCK files", () =>
    Effect.gen(function*() {
      const { holder, path } = yield* held("touch")
      yield* Effect.sleep(50)
      const error = yield* Effect.flip(Effect.scoped(open(path)))
      assert.strictEqual(error.reason, "Locked")
      assert.strictEqual(error.pid, holder.pid)
    }).pipe(Effect.provide(services)), 30_000)

  /** Verifies: JRNL-12 */
  it.scopedLive("lets one of eight in that come at once", () =>
    Effect.gen(function*() {
      const path = yield* freshJournal()
      const comers = yield* Effect.all(Array.from({ length: 8 }, () => spawnWriter(path, "hold")), { concurrency: 8 })
      const said = yield* Effect.forEach(comers, ({ lines }) => Queue.take(lines), { concurrency: 8 })
      const winners = comers.filter((_, at) => said[at] === "open")
      assert.strictEqual(winners.length, 1)
      const losers = said.filter((line) => line !== "open")
      assert.deepStrictEqual(losers, losers.map(() => `failed Locked ${winners[0]!.pid}`))
    }).pipe(Effect.provide(services)), 60_000)
})

describe("a writer killed while it appends", () => {
  /** Verifies: JRNL-13 */
  it.scopedLive(
    "loses nothing that it acknowledged, and leaves a whole log",
    () =>
      Effect.forEach(Array.from({ length: LANES }, (_, lane) => lane), (lane) =>
        Effect.gen(function*() {
          const path = yield* freshJournal()
          for (let round = 0; round < KILLS / LANES; round++) {
            const acknowledged = yield* Effect.scoped(killAfter(path, 5 + (lane * 7 + round * 11) % 60))
            const { found, remembered, size } = yield* Effect.scoped(Effect.gen(function*() {
              const journal = yield* open(path)
              return {
                size: (yield* journal.head).size,
                remembered: (yield* journal.state("s")).get("size"),
                found: yield* findings(journal)
              }
            }))
            assert.isAtLeast(size, acknowledged)
            assert.isAtMost(size, acknowledged + 1)
            assert.strictEqual(remembered, String(size))
            assert.deepStrictEqual(found, [])
          }
        }), { concurrency: LANES, discard: true }).pipe(Effect.provide(services)),
    120_000 * TRIALS
  )

  /** Kills it after so many acknowledgements and some of its own time; gives back the last one. */
  const killAfter = Effect.fn("test.killAfter")(function*(path: string, count: number) {
    const writer = yield* spawnWriter(path, "append")
    assert.strictEqual(yield* Queue.take(writer.lines), "open")
    for (let n = 0; n < count; n++) yield* Queue.take(writer.lines)
    yield* writer.kill
    return Number(writer.last())
  })
})

const KILLS = 20 * TRIALS
const LANES = 4
