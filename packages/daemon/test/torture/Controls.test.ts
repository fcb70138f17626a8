/** The rows about the journal find what they are there to find: each with the check switched off that it is about. */
import { assert, describe, it } from "@effect/vitest"
import { ClassicLevel } from "classic-level"
import { Effect } from "effect"
import * as fs from "node:fs"
import { databaseOf, openRig, type Rig } from "./journal/Rig.ts"
import { runUnchecked } from "./rows/BitRot.ts"
import { runClones } from "./rows/Clone.ts"
import { runLostFiles } from "./rows/LostFiles.ts"

const few = (trials: number) => ({ trials, seed: 1, say: () => {} })

/** Opens the database as many a program does: made anew where there seems to be none. */
const openCarelessly = (rig: Rig) =>
  Effect.zipRight(
    Effect.promise(async () => {
      if (!fs.existsSync(databaseOf(rig))) return
      const db = new ClassicLevel(databaseOf(rig), { createIfMissing: true })
      await db.open().then(() => db.close(), () => undefined)
    }),
    openRig(rig, { mayHeal: true })
  )

describe("with a check switched off", () => {
  it.live("bit-rot finds journals that open and are not the same", () =>
    Effect.gen(function*() {
      const { failures } = yield* runUnchecked(few(6))
      assert.isAbove(failures.length, 0)
    }).pipe(Effect.scoped), 180_000)

  it.live("lost-files finds journals that are wiped", () =>
    Effect.gen(function*() {
      const { failures } = yield* runLostFiles(few(8), openCarelessly)
      assert.isAbove(failures.filter((failure) => failure.includes("wiped")).length, 0)
    }).pipe(Effect.scoped), 180_000)

  it.live("clone finds nonces that come twice where randomness does", () =>
    Effect.gen(function*() {
      const { failures } = yield* runClones(few(1), "randomness")
      assert.isAbove(failures.filter((failure) => failure.includes("came twice")).length, 0)
    }).pipe(Effect.scoped), 180_000)

  it.live("clone finds indices used twice where nobody looks at the target", () =>
    Effect.gen(function*() {
      const { failures } = yield* runClones(few(3), "meeting")
      assert.isAbove(failures.filter((failure) => failure.includes("twice")).length, 0)
    }).pipe(Effect.scoped), 180_000)
})
