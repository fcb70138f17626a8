import { assert, describe, it } from "@effect/vitest"
import { openMaildir } from "@sealog/adapters/sources/Maildir"
import { deliver, generateMaildir } from "@sealog/adapters/testing/MailboxGenerator"
import { makeRecorder, pass } from "@sealog/core/testing/SourceRecorder"
import { Deferred, Effect, Fiber, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { bytesOf, mail, makeFolder, put, temporaryFolder } from "./MaildirDriver.ts"

describe("watching a Maildir", () => {
  /** Verifies: SRC-14 */
  it.live(
    "wakes for folders that came after the watch, were replaced, and for files written in place",
    () =>
      Effect.gen(function*() {
        const root = yield* temporaryFolder
        makeFolder(root, "")
        makeFolder(root, ".Later/soon")
        put(root, "cur/1:2,", mail(1))
        const recorder = makeRecorder(yield* openMaildir({ name: "maildir", path: root }))
        const seen = (count: number) => recorder.events.filter(({ kind }) => kind === "message.added").length >= count
        const acts = [
          () => makeFolder(root, ".New"),
          () => put(root, ".New/new/2", mail(2)),
          () => {
            fs.rmSync(join(root, ".New/new"), { recursive: true })
            makeFolder(root, ".New")
          },
          () => put(root, ".New/new/3", mail(3)),
          () => fs.writeFileSync(join(root, "cur/1:2,"), mail(4))
        ]
        const expected = [1, 1, 2, 2, 3, 4]
        let done = 0
        const all = yield* Deferred.make<void>()
        const fiber = yield* recorder.source.hints.pipe(
          Stream.mapEffect(() => pass(recorder)),
          Stream.mapEffect(() => {
            if (done === acts.length) return seen(4) ? Deferred.succeed(all, undefined) : Effect.void
            if (!seen(expected[done]!)) return Effect.void
            return Effect.sync(() => acts[done++]!())
          }),
          Stream.runDrain,
          Effect.fork
        )
        // The third act changes nothing that a pass would tell, so nothing but its sign leads on.
        yield* Deferred.await(all).pipe(Effect.timeout("20 seconds"))
        yield* Fiber.interrupt(fiber)
      }).pipe(Effect.scoped),
    30_000
  )
})

describe("the generator", () => {
  it.live("makes the same mailbox of the same seed", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      const [one, other, third] = [join(root, "1"), join(root, "2"), join(root, "3")]
      yield* generateMaildir({ root: one, count: 600, seed: 7 })
      yield* generateMaildir({ root: other, count: 600, seed: 7 })
      yield* generateMaildir({ root: third, count: 600, seed: 8 })
      assert.strictEqual(contents(one), contents(other))
      assert.notStrictEqual(contents(one), contents(third))
    }).pipe(Effect.scoped), 20_000)

  it.live("delivers mails that a source sees as new", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      yield* generateMaildir({ root, count: 20, seed: 1 })
      const recorder = makeRecorder(yield* openMaildir({ name: "maildir", path: root }))
      yield* pass(recorder)
      const names = yield* deliver({ root, folder: ".Work", seed: 5, count: 3 })
      assert.strictEqual((yield* pass(recorder)).length, names.length)
      assert.deepStrictEqual(fs.readdirSync(join(root, ".Work/tmp")), [])
    }).pipe(Effect.scoped))
})

/** Names, times and bytes of all files, whatever the folder is called. */
const contents = (root: string): string => {
  const lines: Array<string> = []
  const visit = (path: string): void => {
    for (const name of fs.readdirSync(bytesOf(root, path), { encoding: "latin1" }).toSorted()) {
      const inner = `${path}/${name}`
      const stat = fs.statSync(bytesOf(root, inner))
      lines.push(stat.isFile() ? `${inner} ${stat.mtimeMs} ${fs.readFileSync(bytesOf(root, inner), "base64")}` : inner)
      if (stat.isDirectory()) visit(inner)
    }
  }
  visit("")
  return lines.join("\n")
}
