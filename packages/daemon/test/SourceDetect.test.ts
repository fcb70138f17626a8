import { assert, describe, it } from "@effect/vitest"
import { WhatsAppApp } from "@sealog/adapters/testing/WhatsAppApp"
import { Effect } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeMachine, sealog } from "./support/Harness.ts"

const CONTAINER = "Library/Group Containers/group.net.whatsapp.WhatsApp.shared"

const detect = Effect.fn(function*(userDir: string, json = true) {
  const machine = makeMachine({ platform: { system: "macos", userDir } })
  const { err, exit, out } = yield* sealog(["source", "detect", ...(json ? ["--json"] : [])], { machine })
  assert.strictEqual(exit, 0, err)
  return json ? (JSON.parse(out) as { readonly found: unknown }).found : out
})

const userDir = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "sealog-detect-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

/** Verifies: SRC-73 */
describe("source detect", () => {
  it.scoped("finds WhatsApp where macOS has it, and nothing where it is not", () =>
    Effect.gen(function*() {
      const home = yield* userDir
      assert.deepStrictEqual(yield* detect(home), [])
      new WhatsAppApp({ root: join(home, CONTAINER), seed: 1 }).close()
      const path = join(home, CONTAINER)
      assert.deepStrictEqual(yield* detect(home), [{ kind: "whatsapp", spec: "whatsapp", path }])
      assert.match(String(yield* detect(home, false)), /^ *whatsapp +whatsapp\n$/)
    }))

  it.scoped("says what is to be done where the store is there and may not be read", () =>
    Effect.gen(function*() {
      const home = yield* userDir
      // Whoever may read everything is refused by no mode; a file where its folder should be refuses them all.
      fs.mkdirSync(join(home, CONTAINER, ".."), { recursive: true })
      fs.writeFileSync(join(home, CONTAINER), "")
      const [found] = (yield* detect(home)) as ReadonlyArray<{ readonly kind: string; readonly missing?: string }>
      assert.strictEqual(found?.kind, "whatsapp")
      assert.include(found?.missing, "Full Disk Access")
      assert.include(String(yield* detect(home, false)), "Full Disk Access")
    }))
})
