import { assert, describe, it } from "@effect/vitest"
import { openJsonl } from "@sealog/adapters/sources/Jsonl"
import { openMaildir } from "@sealog/adapters/sources/Maildir"
import { scanHeader } from "@sealog/adapters/sources/MailHeader"
import { foldsToDump, makeRecorder, pass } from "@sealog/core/testing/SourceRecorder"
import { Effect } from "effect"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeFolder, put, temporaryFolder } from "./MaildirDriver.ts"

const repository = join(dirname(fileURLToPath(import.meta.url)), "../../../..")
const corpora = process.env["SEALOG_CORPORA"] ?? join(repository, "../shared/corpora")
const maildirs = join(corpora, "maildir/corpora")
const mails = join(corpora, "mime-mails")

const filesIn = (folder: string): ReadonlyArray<string> =>
  fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesIn(join(folder, entry.name)) : entry.isFile() ? [join(folder, entry.name)] : []
  )

const when = (path: string) => {
  const isThere = fs.existsSync(path)
  if (!isThere) console.warn(`skipped: no corpus at ${path}; set SEALOG_CORPORA to where the corpora are`)
  return isThere ? it.live : it.live.skip
}

describe("the samples", () => {
  it.live("are a Maildir with threads, an attachment, several scripts and an empty folder, and a chat", () =>
    Effect.gen(function*() {
      const samples = join(repository, "packages/daemon/samples")
      const mail = makeRecorder(yield* openMaildir({ name: "maildir", path: join(samples, "maildir") }))
      const chat = makeRecorder(yield* openJsonl({ name: "jsonl", path: join(samples, "chat") }))
      const kinds = [...yield* pass(mail), ...yield* pass(chat)].map(({ kind }) => kind)
      const count = (kind: string) => kinds.filter((one) => one === kind).length
      assert.deepStrictEqual(["chat.upsert", "message.added", "message.removed", "source.gap"].map(count), [
        5,
        30,
        1,
        0
      ])
      yield* foldsToDump(mail)
      yield* foldsToDump(chat)
    }))
})

describe("real mail", () => {
  when(maildirs)("of other programs' test suites is taken whole", () =>
    Effect.gen(function*() {
      const recorder = makeRecorder(yield* openMaildir({ name: "maildir", path: maildirs }))
      const events = yield* pass(recorder)
      yield* foldsToDump(recorder)
      const places = events.flatMap((event) => event.kind === "message.added" ? event.message.places ?? [] : [])
      const others = events.flatMap((event) => event.kind === "file.upsert" ? [event.path] : [])
      const expected = filesIn(join(maildirs, "default")).length
      const within = [...places.map(({ folder }) => folder), ...others].filter((path) => path.startsWith("default"))
      assert.strictEqual(within.length, expected)
    }).pipe(Effect.scoped), 30_000)

  when(mails)("of every shape gets through", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      makeFolder(root, "")
      const files = filesIn(mails)
      files.forEach((path, number) => put(root, `cur/${number}:2,`, fs.readFileSync(path)))
      const recorder = makeRecorder(yield* openMaildir({ name: "maildir", path: root }))
      const added = (yield* pass(recorder)).filter(({ kind }) => kind === "message.added")
      assert.strictEqual(added.length, files.length)
      yield* foldsToDump(recorder)
      const dated = files.filter((path) => scanHeader(fs.readFileSync(path)).at !== undefined)
      assert.isAbove(dated.length, files.length / 2)
    }).pipe(Effect.scoped), 30_000)
})
