/** A full disk under each of the servers, a real one: a file system of two mebibytes. */
import { assert, describe, it } from "@effect/vitest"
import { makeWebDav, prepareWebDav } from "@sealog/adapters/storage/WebDav"
import { startDavServer } from "@sealog/adapters/testing/DavServers"
import { same, sample } from "@sealog/core/testing/StorageSamples"
import { Data, Effect, Stream } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { freshFolder } from "../../support.ts"
import { davServers } from "./support.ts"

const MIB = 1024 * 1024

class NoMount extends Data.TaggedError("NoMount")<{ readonly said: string }> {}

/** A file system of its own in a new folder, gone with the scope. */
const small = (mebibytes: number) =>
  Effect.flatMap(freshFolder, (folder) => {
    const path = join(folder, "small")
    return Effect.acquireRelease(
      Effect.suspend(() => {
        fs.chmodSync(folder, 0o755)
        fs.mkdirSync(path)
        const made = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "none", path], { encoding: "utf8" })
        return made.status === 0 ? Effect.succeed(path) : new NoMount({ said: made.stderr || String(made.error) })
      }),
      () => Effect.sync(() => spawnSync("umount", ["-l", path]))
    )
  })

for (const name of davServers("a full disk")) {
  describe(`webdav at ${name}, on a full disk`, () => {
    /** Verifies: DAV-4 */
    it.scopedLive("says Full, leaves nothing behind, and goes on once there is space", (test) =>
      Effect.gen(function*() {
        const documents = yield* Effect.either(small(2))
        if (documents._tag === "Left") return test.skip(`no small file system can be mounted: ${documents.left.said}`)
        const server = yield* startDavServer(name, { documents: documents.right })
        const url = `${server.url}vault`
        yield* prepareWebDav({ url })
        const storage = yield* makeWebDav({ url })
        yield* storage.put("log/aa", sample(MIB, 1))
        const error = yield* Effect.flip(storage.put("log/ab", sample(2 * MIB, 2)))
        assert.deepStrictEqual([error.reason, error.retryable, error.subject], ["Full", false, `${url}/`])
        assert.deepStrictEqual([...(yield* Stream.runCollect(storage.list("")))], [{ name: "log/aa", size: MIB }])
        assert.deepStrictEqual(fs.readdirSync(join(documents.right, "vault/tmp")), [])

        yield* storage.put("log/ac", sample(10_000, 3))
        yield* storage.delete("log/aa")
        yield* storage.put("log/ab", sample(MIB, 2))
        assert.isTrue(same(yield* storage.get("log/ab"), sample(MIB, 2)))
      }))
  })
}
