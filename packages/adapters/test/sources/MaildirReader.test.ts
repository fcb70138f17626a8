import { assert, describe, it } from "@effect/vitest"
import { makeMaildirReader } from "@sealog/adapters/sources/MaildirReader"
import { makeMaildirStore, SETTLED_NS, type Stat } from "@sealog/adapters/sources/MaildirStore"
import { generateMaildir } from "@sealog/adapters/testing/MailboxGenerator"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { freshFolder } from "../support.ts"

/** Every path of mails in a store, some that are none, and a file of every odd kind. */
const crowd = Effect.gen(function*() {
  const root = yield* freshFolder
  yield* generateMaildir({ root, count: 600, seed: 3, oddNames: true })
  const cur = join(root, "cur")
  fs.writeFileSync(join(cur, "long"), `Subject: long\n\n${"long ".repeat(50_000)}`)
  fs.writeFileSync(join(cur, "empty"), "")
  fs.mkdirSync(join(cur, "folder"))
  fs.symlinkSync("empty", join(cur, "link"))
  const store = makeMaildirStore(root)
  const listing = store.list("cur")
  assert.ok(listing._tag === "listing")
  const paths = [...listing.names.map((name) => `cur/${name}`), "cur/not there", "nowhere/at all"]
  // Enough of them that the thread has its part.
  while (paths.length < 1_000) paths.push(...paths.slice(0, 1_000 - paths.length))
  return { root, store, paths }
})

describe("many files of a Maildir at once", () => {
  /** Verifies: SRC-15 */
  it.scopedLive("are looked at and read as one by one", () =>
    Effect.gen(function*() {
      const { paths, root, store } = yield* crowd
      const reader = makeMaildirReader(root, store)
      const stats = yield* reader.stats(paths, true)
      assert.deepStrictEqual(
        stats.map((stat) => stat._tag === "failure" ? stat.code : plain(stat)),
        paths.map((path) => store.stat(path)).map((stat) => stat._tag === "failure" ? stat.code : plain(stat))
      )
      const files = paths.flatMap((path, at) => {
        const stat = stats[at]!
        return stat._tag === "stat" && stat.type === "file" ? [{ path, stat }] : []
      })
      const changed = files.map((file, at) => at % 50 === 0 ? { ...file, stat: { ...file.stat, size: 3 } } : file)
      const gone = changed.map((file, at) => at % 70 === 0 ? { ...file, path: `${file.path} gone` } : file)
      for (const nowNs of [undefined, gone[5]!.stat.ctimeNs + SETTLED_NS / 2n]) {
        const { release, results } = yield* reader.take(gone, nowNs)
        const expected = gone.map(({ path, stat }) => store.take(path, stat, nowNs))
        for (const [at, result] of results.entries()) {
          const wanted = expected[at]!
          assert.strictEqual(result._tag, wanted._tag)
          if (result._tag === "failure" && wanted._tag === "failure") assert.strictEqual(result.code, wanted.code)
          if (result._tag !== "taken" || wanted._tag !== "taken") continue
          assert.deepStrictEqual(result.header, wanted.header)
          assert.strictEqual(Buffer.compare(result.sha256, wanted.sha256), 0)
          assert.strictEqual(result.bytes?.length, wanted.bytes?.length)
          if (result.bytes && wanted.bytes) assert.strictEqual(Buffer.compare(result.bytes, wanted.bytes), 0)
        }
        release()
      }
    }), 60_000)
})

const plain = ({ ctimeNs, mtimeNs, size, type }: Stat): Stat => ({ _tag: "stat", type, size, mtimeNs, ctimeNs })
