/**
 * A vault of which any bit is another, restored into a folder: nothing of it is left there. That it is refused at all,
 * and why, is shown by the rows `tamper` and `swap` of the torture.
 */
import { assert, describe, it } from "@effect/vitest"
import { makeJsonLinesProjection } from "@sealog/adapters/projections/JsonLines"
import { openRestoreFolder } from "@sealog/adapters/projections/RestoreFolder"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { makeFetch } from "@sealog/core/restore/Fetch"
import { restore } from "@sealog/core/restore/Restore"
import { Effect } from "effect"
import * as fs from "node:fs"
import { freshFolder } from "../support/Machine.ts"
import { makeSmallVault, type Objects, type SmallVault } from "./SmallVault.ts"
import { MUTANTS, pick, randomOf } from "./Trials.ts"

describe("a restore that is refused", () => {
  /** Verifies: FAULT-9 */
  it.scopedLive("leaves nothing in the folder", () =>
    Effect.gen(function*() {
      const whole = yield* makeSmallVault({ seed: "refused", segments: 2 })
      const random = randomOf("folder")
      const dir = yield* freshFolder
      const names = [...whole.objects.keys()].filter((name) => /^(log|blobs)\//.test(name))
      for (let trial = 0; trial < MUTANTS; trial++) {
        const name = pick(random, names)
        const bytes = whole.objects.get(name)!.slice()
        bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8)
        const refused = yield* Effect.flip(restoreInto(dir, new Map(whole.objects).set(name, bytes), whole))
        assert.strictEqual(refused._tag, "RestoreError")
        assert.deepStrictEqual(fs.readdirSync(dir), [])
      }
      yield* restoreInto(dir, whole.objects, whole)
      assert.include(fs.readdirSync(dir), "messages.jsonl")
    }), 120_000)
})

const restoreInto = Effect.fn("Refused.restoreInto")(function*(dir: string, objects: Objects, { ring }: SmallVault) {
  const storage = yield* makeMemory({ objects: new Map(objects) })
  const fetch = yield* makeFetch([{ name: "memory", storage }], ring)
  const folder = yield* openRestoreFolder({ dir, format: "jsonl", vaultId: "00", force: false })
  const projection = makeJsonLinesProjection(folder)
  yield* restore({ fetch, projection, since: new Map(), pinned: new Map(), partial: false })
  yield* folder.writeMark({
    schema: "sealog.restore-mark/1",
    format: "jsonl",
    vaultId: "00",
    messages: 0,
    heads: [],
    files: projection.writtenFiles()
  })
}, Effect.scoped)
