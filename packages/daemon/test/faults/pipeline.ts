/**
 * The way from store to target in a process of its own, in the right order of writes or, on purpose, in a wrong one:
 * what the tests of kills must find where it is wrong. It tells where it stands as `status` does, a line at a time.
 *
 *   early-acknowledgement   an append is reported when it is only remembered; it is written with the next one
 *   early-cursor            the target's cursor moves before the put, which is made with the next one
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import type { JournalEntry, JournalShape } from "@sealog/core/backup/Journal"
import type { StorageShape } from "@sealog/core/backup/Storage"
import * as Entropy from "@sealog/core/keys/Entropy"
import { Effect, Layer } from "effect"
import { writeSync } from "node:fs"
import { openPipeline, openRingAt } from "../support/Pipeline.ts"

const [order, password, home, mail, vault] = process.argv.slice(2) as [string, string, string, string, string]

const main = Effect.gen(function*() {
  const ring = yield* openRingAt(home, password)
  const { backup, source, status, target } = yield* openPipeline({
    home,
    mail,
    vault,
    journal: (opened) => order === "early-acknowledgement" ? acknowledgingEarly(opened) : opened,
    storage: (disk) => order === "early-cursor" ? puttingLate(disk) : disk
  }, ring)
  const say = Effect.map(status, (report) => writeSync(1, `${JSON.stringify(report)}\n`))
  return yield* Effect.forever(Effect.gen(function*() {
    const { events } = yield* backup.capture(source)
    if (events > 0) yield* say
    // A log of which the end is only remembered has nothing to ship yet.
    const shipped = order === "early-acknowledgement" ? { objects: 0 } : yield* backup.shipTo(target)
    if (shipped.objects > 0) yield* say
    yield* Effect.sleep("5 millis")
  }))
})

/** Says that an entry is there when it only means to write it. */
const acknowledgingEarly = (journal: JournalShape): JournalShape => {
  let held: JournalEntry | undefined
  return {
    ...journal,
    head: Effect.suspend(() => held === undefined ? journal.head : Effect.succeed(held.head)),
    append: (entry) =>
      Effect.suspend(() => {
        const before = held
        held = entry
        return before === undefined ? Effect.void : journal.append(before)
      })
  }
}

/** Says that an object is there when it only means to put it. */
const puttingLate = (storage: StorageShape): StorageShape => {
  let held: Effect.Effect<void, Effect.Effect.Error<ReturnType<StorageShape["put"]>>> = Effect.void
  return {
    ...storage,
    put: (name, bytes) =>
      Effect.suspend(() => {
        const before = held
        held = storage.put(name, bytes)
        return before
      })
  }
}

void Effect.runPromise(
  Effect.scoped(Effect.provide(main, Layer.mergeAll(NodeContext.layer, Entropy.layer)))
)
