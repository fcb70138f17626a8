import { assert, describe, it } from "@effect/vitest"
import { openMaildir } from "@sealog/adapters/sources/Maildir"
import type { Event } from "@sealog/core/message/Event"
import { foldsToDump, makeRecorder, pass, type Recorder, replayed } from "@sealog/core/testing/SourceRecorder"
import { Effect } from "effect"
import * as fc from "fast-check"
import * as fs from "node:fs"
import { join } from "node:path"
import { bytesOf, mail, makeFolder, put, temporaryFolder } from "./MaildirDriver.ts"

/** Histories tried; more of them with SEALOG_RUNS. */
const RUNS = Number(process.env["SEALOG_RUNS"] ?? 15)

const kindsOf = (events: ReadonlyArray<{ readonly kind: string }>) => events.map(({ kind }) => kind)
const addedOf = (events: ReadonlyArray<Event>) =>
  events.flatMap((event) => event.kind === "message.added" ? [event] : [])

const openAt = (root: string) => Effect.map(openMaildir({ name: "maildir", path: root }), makeRecorder)

const empty = Effect.gen(function*() {
  const root = yield* temporaryFolder
  makeFolder(root, "")
  return { root, recorder: yield* openAt(root) }
})

const settles = Effect.fn(function*(recorder: Recorder, root: string) {
  yield* foldsToDump(recorder)
  assert.deepStrictEqual(kindsOf(yield* pass(recorder)), [])
  const source = yield* openMaildir({ name: "maildir", path: root })
  assert.deepStrictEqual(kindsOf(yield* pass({ ...recorder, source, state: replayed(recorder) })), [])
})

describe("a Maildir", () => {
  /** Verifies: SRC-10 */
  it.live("has its folders in every layout, the empty ones too", () =>
    Effect.gen(function*() {
      const { recorder, root } = yield* empty
      for (const folder of [".Work", ".Work.Old", "nested/deeper", "Gr\u00f6\u00dfe"]) makeFolder(root, folder)
      put(root, "nested/deeper/cur/1:2,S", mail(1))
      yield* pass(recorder)
      const folders = recorder.events.flatMap((event) => event.kind === "chat.upsert" ? [event.folder] : [])
      assert.deepStrictEqual(folders, ["", ".Work", ".Work.Old", "Gr\u00c3\u00b6\u00c3\u009fe", "nested/deeper"])
      assert.strictEqual(addedOf(recorder.events)[0]?.conversation, "nested/deeper")
      fs.rmSync(join(root, ".Work.Old"), { recursive: true })
      assert.deepStrictEqual(kindsOf(yield* pass(recorder)), ["chat.removed"])
      yield* settles(recorder, root)
    }).pipe(Effect.scoped))

  /** Verifies: SRC-11 */
  it.live("takes a mail server's files, and leaves hidden ones, tmp and other programs' folders alone", () =>
    Effect.gen(function*() {
      const { recorder, root } = yield* empty
      makeFolder(root, ".Work")
      for (const name of ["dovecot-uidlist", "subscriptions", ".Work/maildirfolder"]) {
        fs.writeFileSync(join(root, name), name)
      }
      fs.mkdirSync(join(root, ".notmuch"))
      for (const name of [".hidden", "tmp/draft", "cur/.hidden:2,", ".notmuch/db"]) {
        fs.writeFileSync(join(root, name), name)
      }
      yield* pass(recorder)
      const files = recorder.events.flatMap((event) => event.kind === "file.upsert" ? [event.path] : [])
      assert.deepStrictEqual(files.toSorted(), [".Work/maildirfolder", "dovecot-uidlist", "subscriptions"])
      assert.deepStrictEqual(addedOf(recorder.events), [])
      fs.rmSync(join(root, "subscriptions"))
      assert.deepStrictEqual(kindsOf(yield* pass(recorder)), ["file.removed"])
      yield* settles(recorder, root)
    }).pipe(Effect.scoped))

  it.live("sees one message where the same file lies in two folders", () =>
    Effect.gen(function*() {
      const { recorder, root } = yield* empty
      makeFolder(root, ".Copy")
      put(root, "cur/1:2,S", mail(1))
      put(root, ".Copy/cur/1:2,F", mail(1))
      yield* pass(recorder)
      assert.deepStrictEqual(addedOf(recorder.events).map(({ message }) => [message.flags, message.places?.length]), [
        [["F", "S"], 2]
      ])
      fs.rmSync(join(root, "cur/1:2,S"))
      assert.deepStrictEqual(kindsOf(yield* pass(recorder)), ["message.flags"])
      yield* settles(recorder, root)
    }).pipe(Effect.scoped))

  it.live("sees another message where a file was written over, at the next full look", () =>
    Effect.gen(function*() {
      const { recorder, root } = yield* empty
      put(root, "cur/1:2,S", mail(1))
      yield* pass(recorder)
      put(root, "cur/1:2,S", mail(1, "other"))
      const again = { ...recorder, source: yield* openMaildir({ name: "maildir", path: root }) }
      assert.deepStrictEqual(kindsOf(yield* pass(again)), ["message.added", "message.removed"])
      yield* settles(again, root)
    }).pipe(Effect.scoped))

  it.live("gives a mail without a date the time of its file, and follows it", () =>
    Effect.gen(function*() {
      const { recorder, root } = yield* empty
      put(root, "cur/1:2,S", "no header at all")
      fs.utimesSync(join(root, "cur/1:2,S"), 1_000, 1_000.5)
      yield* pass(recorder)
      assert.strictEqual(addedOf(recorder.events)[0]?.message.at, 1_000_500)
      assert.strictEqual(addedOf(recorder.events)[0]?.message.atQuality, "unknown")
      fs.utimesSync(join(root, "cur/1:2,S"), 1_000, 2_000)
      const again = { ...recorder, source: yield* openMaildir({ name: "maildir", path: root }) }
      assert.deepStrictEqual(kindsOf(yield* pass(again)), ["message.edited"])
      yield* settles(again, root)
    }).pipe(Effect.scoped))

  /** Verifies: SRC-12 */
  it.live("does not take half a file that is being written", () =>
    Effect.gen(function*() {
      const { recorder, root } = yield* empty
      const text = mail(1, "x".repeat(5_000))
      const fd = fs.openSync(join(root, "cur/1:2,"), "w")
      fs.writeSync(fd, text.slice(0, 3_000))
      const seen = yield* Effect.fork(pass(recorder))
      yield* Effect.sleep(20)
      fs.writeSync(fd, text.slice(3_000))
      fs.closeSync(fd)
      yield* seen
      while (addedOf(recorder.events).length === 0) yield* pass(recorder)
      const sizes = addedOf(recorder.events).map(({ message }) =>
        message.content?._tag === "inline" ? message.content.bytes.length : 0
      )
      assert.deepStrictEqual(sizes, [text.length])
      yield* settles(recorder, root)
    }).pipe(Effect.scoped))

  it.live("never opens what is not a file", () =>
    Effect.gen(function*() {
      const { recorder, root } = yield* empty
      // Whoever opens a symbolic link to a place that hangs, hangs.
      fs.symlinkSync("/dev/tty", join(root, "cur/tty:2,"))
      fs.mkdirSync(join(root, "cur/folder:2,"))
      put(root, "cur/1:2,", mail(1))
      yield* pass(recorder)
      assert.deepStrictEqual(recorder.source.gaps(recorder.state), [
        { subject: "cur/folder:2,", reason: "not a regular file" },
        { subject: "cur/tty:2,", reason: "a symbolic link, which is not followed" }
      ])
      yield* settles(recorder, root)
    }).pipe(Effect.scoped))

  /** Verifies: SRC-13 */
  it.live("keeps what is in a folder that cannot be read", () =>
    Effect.gen(function*() {
      const { recorder, root } = yield* empty
      makeFolder(root, ".Locked")
      put(root, ".Locked/cur/1:2,", mail(1))
      put(root, ".Locked/cur/2:2,", mail(2))
      yield* pass(recorder)
      yield* asNobody(
        root,
        Effect.gen(function*() {
          fs.chmodSync(join(root, ".Locked/cur/1:2,"), 0)
          fs.chmodSync(join(root, ".Locked/cur"), 0)
          const again = { ...recorder, source: yield* openMaildir({ name: "maildir", path: root }) }
          assert.deepStrictEqual(kindsOf(yield* pass(again)), ["source.gap"])
          assert.deepStrictEqual(kindsOf(yield* pass(again)), [])
          fs.chmodSync(join(root, ".Locked"), 0)
          assert.deepStrictEqual(kindsOf(yield* pass(again)), ["source.gap"])
          fs.chmodSync(join(root, ".Locked"), 0o700)
          fs.chmodSync(join(root, ".Locked/cur"), 0o700)
          assert.deepStrictEqual(kindsOf(yield* pass(again)), ["source.gap", "source.gap"])
          assert.deepStrictEqual(again.source.gaps(again.state), [])
          fs.chmodSync(join(root, ".Locked/cur/1:2,"), 0o600)
        })
      )
      yield* settles(recorder, root)
    }).pipe(Effect.scoped))

  it.live("that is an empty folder all at once is not a Maildir, and nothing was deleted", () =>
    Effect.gen(function*() {
      const { recorder, root } = yield* empty
      put(root, "cur/1:2,", mail(1))
      yield* pass(recorder)
      fs.rmSync(root, { recursive: true })
      fs.mkdirSync(root)
      const error = yield* Effect.flip(pass(recorder))
      assert.strictEqual(error._tag === "SourceError" ? error.reason : error._tag, "Unsupported")
    }).pipe(Effect.scoped))

  /** Verifies: SRC-5 */
  it.live(
    "comes to what the store holds, whatever happens to it in whatever order",
    () =>
      Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            fc.array(step, { maxLength: 15 }),
            (steps) => Effect.runPromise(Effect.scoped(history(steps)))
          ),
          { numRuns: RUNS }
        )
      ),
    60_000
  )
})

/** The rules of permission do not hold for root, so those tests become somebody else for a while. */
const asNobody = <A, E, R>(root: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  if (process.geteuid?.() !== 0) return effect
  const own = (path: string): void => {
    fs.lchownSync(path, NOBODY, NOBODY)
    if (fs.lstatSync(path).isDirectory()) { for (const name of fs.readdirSync(path)) own(join(path, name)) }
  }
  return Effect.acquireUseRelease(
    Effect.sync(() => {
      own(root)
      process.seteuid?.(NOBODY)
    }),
    () => effect,
    () => Effect.sync(() => process.seteuid?.(0))
  )
}

const NOBODY = 65_534

interface Step {
  readonly act: number
  readonly from: number
  readonly to: number
}
const step: fc.Arbitrary<Step> = fc.record({ act: fc.nat(9), from: fc.nat(5), to: fc.nat(5) })

/** Few names in few folders, so that they meet. */
const FOLDERS = ["", ".A", ".A.B", "c"]
const INFOS = ["", ":2,", ":2,S", ":2,FS", ";2,a", ":2,\xff"]
const pathOf = (folder: number, name: number, info: number): string => {
  const top = FOLDERS[folder % FOLDERS.length]!
  return `${top === "" ? "" : `${top}/`}${info === 0 ? "new" : "cur"}/base${name % 3}${INFOS[info]}`
}

const reopened = (recorder: Recorder, root: string) =>
  Effect.map(openMaildir({ name: "maildir", path: root }), (source): Recorder => ({ ...recorder, source }))

const history = Effect.fn(function*(steps: ReadonlyArray<Step>) {
  const { recorder, root } = yield* empty
  for (const folder of FOLDERS) makeFolder(root, folder)
  let current: Recorder = recorder
  for (const { act, from, to } of steps) {
    const [source, target] = [pathOf(from, to, from), pathOf(to, from + to, to)]
    if (act < 4) put(root, target, from === 5 ? "no date" : mail(from % 2))
    else if (act < 7 && fs.existsSync(bytesOf(root, source))) {
      fs.renameSync(bytesOf(root, source), bytesOf(root, target))
    } else if (act === 7) fs.rmSync(bytesOf(root, source), { force: true })
    else if (act === 8) yield* pass(current, from)
    else if (act === 9) {
      fs.rmSync(join(root, "c"), { recursive: true, force: true })
      makeFolder(root, "c")
      current = yield* reopened(current, root)
    }
    if (to === 0) yield* pass(current)
  }
  // What happened between two ticks of the clock shows to a full look only.
  current = yield* reopened(current, root)
  yield* pass(current)
  yield* settles(current, root)
})
