/** A rig that has worked for a while, and what it holds: the patient of the trials that damage a journal. */
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { contentsOf, deliver, freshFolder, makeRig, openRig, rememberedBy, type Rig } from "./Rig.ts"

export interface Worked {
  readonly rig: Rig
  readonly said: Said
}

/** All that must be the same afterwards. */
export interface Said {
  readonly logs: Effect.Effect.Success<ReturnType<typeof contentsOf>>
  readonly remembered: string
}

/** Mails that come at once: one, two, three, … and one again. */
const MOST = 8
const FOLDERS = ["", ".Work", ".Family", ".Lists", ".Sent"]

/** Mails in five folders, come one after another over several openings, all of them shipped. */
export const makeWorked = Effect.fn("Worked.make")(
  function*(options: { readonly mails: number; readonly openings: number }) {
    const rig = yield* makeRig(yield* freshFolder)
    const each = Math.ceil(options.mails / options.openings)
    let said: Said = { logs: [], remembered: "" }
    for (let opening = 0; opening < options.openings; opening++) {
      said = yield* Effect.scoped(Effect.gen(function*() {
        const { backup, journal, source, targets } = yield* openRig(rig, { mayHeal: false })
        for (const target of targets) yield* backup.meet(target)
        for (let n = 0, most = 1; n < each; most = 1 + most % MOST) {
          const count = Math.min(most, each - n)
          for (let at = 0; at < count; at++) {
            const number = opening * each + n + at
            deliver(rig, FOLDERS[number % FOLDERS.length]!, [`m${number}`])
          }
          yield* backup.capture(source)
          n += count
        }
        for (const target of targets) yield* backup.shipTo(target)
        return { logs: yield* contentsOf(journal), remembered: yield* rememberedBy(journal) }
      }))
    }
    return { rig, said } satisfies Worked
  }
)

/** A copy of the patient's home to be damaged, in the place of the one before; store and targets are the same. */
export const takeCopy = (worked: Worked, top: string): Rig => {
  fs.rmSync(top, { recursive: true, force: true })
  const copy: Rig = { ...worked.rig, home: join(top, "home") }
  fs.cpSync(worked.rig.home, copy.home, { recursive: true })
  return copy
}
