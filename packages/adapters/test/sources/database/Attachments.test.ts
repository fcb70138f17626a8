/** Files that come with messages: each is taken once, whenever it appears, and messages go before them. */
import { assert, describe, it } from "@effect/vitest"
import type { DatabaseSyncInstance } from "@photostructure/sqlite"
import { mismatches } from "@sealog/core/backup/Ledger"
import { foldsToDump, makeRecorder, pass, type Recorder, replayed } from "@sealog/core/testing/SourceRecorder"
import { Effect, TestClock } from "effect"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../MaildirDriver.ts"
import { addFile, addNote, makeNotes, openNoteSource } from "./NoteStore.ts"

interface World {
  readonly path: string
  readonly photos: string
  readonly notes: DatabaseSyncInstance
  readonly recorder: Recorder
  readonly open: (policy?: number) => ReturnType<typeof openNoteSource>
}

const makeWorld = Effect.fn("test.makeWorld")(function*(policy = Number.POSITIVE_INFINITY) {
  const top = yield* temporaryFolder
  const path = join(top, "notes.db")
  const photos = fs.realpathSync((fs.mkdirSync(join(top, "photos")), join(top, "photos")))
  const notes = makeNotes(path)
  yield* Effect.addFinalizer(() => Effect.sync(() => notes.close()))
  const open = (taken = policy) => openNoteSource(path, { policy: taken, folders: [photos] })
  // The files of this test are older than now, whatever the clock of the test says.
  yield* TestClock.setTime(Math.ceil(fs.statSync(path).mtimeMs) + 60_000)
  return { path, photos, notes, open, recorder: makeRecorder(yield* open()) } satisfies World
})

/** Puts a note into the store whose file is there, is not there, or has no place. */
const photo = ({ notes, photos }: World, name: string, bytes?: Uint8Array) => {
  const path = join(photos, name)
  if (bytes !== undefined) fs.writeFileSync(path, bytes)
  addFile(notes, name, path)
}

const told = (recorder: Recorder) =>
  Effect.map(pass(recorder), (events) =>
    events.flatMap((event) => {
      if (event.kind === "message.added") return [`added ${event.message.key}`]
      if (event.kind === "attachment.content") return [`content ${event.key} ${event.content._tag} of ${event.origin}`]
      return event.kind === "attachment.missing" ? [`missing ${event.key}: ${event.reason}`] : []
    }))

describe("attachments of a database", () => {
  it.scoped("are taken once, after the messages, short or long, and whenever they appear", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      const { photos, recorder } = world
      photo(world, "short", randomBytes(10))
      photo(world, "late")
      photo(world, "long", randomBytes(200_000))
      addFile(world.notes, "nowhere", "")
      const first = yield* told(recorder)
      assert.deepStrictEqual(first, [
        "added short",
        "added late",
        "added long",
        "added nowhere",
        "content short inline of 3",
        "missing late: not on this machine",
        "content long blob of 5",
        "missing nowhere: not on this machine"
      ])
      assert.deepStrictEqual(yield* told(recorder), [])
      fs.writeFileSync(join(photos, "late"), randomBytes(20))
      yield* TestClock.adjust("11 minutes")
      assert.deepStrictEqual(yield* told(recorder), ["content late inline of 4"])
      assert.deepStrictEqual(yield* told(recorder), [])
      const rebuilt: Recorder = { ...recorder, source: yield* world.open(), state: replayed(recorder) }
      assert.deepStrictEqual(yield* told(rebuilt), [])
    }))

  it.scoped("are looked for at once when their rows change, and each second until they are finished", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      const { notes, photos, recorder } = world
      photo(world, "late")
      yield* told(recorder)
      const path = join(photos, "late")
      fs.writeFileSync(path, randomBytes(20))
      assert.deepStrictEqual(yield* told(recorder), [])
      // The row says that it is there; it is still being written.
      yield* TestClock.setTime(Math.ceil(fs.statSync(path).mtimeMs))
      notes.prepare("UPDATE note SET body = 'here' WHERE guid = 'late'").run()
      assert.deepStrictEqual(yield* told(recorder), [])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* told(recorder), [])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* told(recorder), ["content late inline of 3"])
    }))

  it.scoped("of messages that come while others are looked for wait for these messages", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      for (let n = 0; n < 100; n++) photo(world, `n${n}`, randomBytes(10))
      const order: Array<string> = []
      const { source } = world.recorder
      const remember: typeof source.remember = (event, index, table) => {
        if (event.kind === "attachment.content" && order.length === 100) addNote(world.notes, "meanwhile")
        if ("message" in event) order.push(`added ${event.message.key}`)
        else if (event.kind === "attachment.content") order.push(`content ${event.key}`)
        source.remember(event, index, table)
      }
      yield* pass({ ...world.recorder, source: { ...source, remember } })
      assert.strictEqual(order.length, 201)
      assert.strictEqual(order.indexOf("added meanwhile"), 164)
    }))

  it.scoped("that are left out are told so where some are taken, and taken when the owner changes his mind", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld(100)
      photo(world, "small", randomBytes(99))
      photo(world, "large", randomBytes(100))
      assert.deepStrictEqual((yield* told(world.recorder)).slice(2), [
        "content small inline of 3",
        "missing large: left out by the owner's choice: 100 bytes or more"
      ])
      const none: Recorder = { ...world.recorder, source: yield* world.open(0) }
      photo(world, "other", randomBytes(1))
      assert.deepStrictEqual(yield* told(none), ["added other"])
      const all: Recorder = { ...world.recorder, source: yield* world.open(Number.POSITIVE_INFINITY) }
      assert.deepStrictEqual(yield* told(all), ["content large inline of 4", "content other inline of 7"])
    }))

  it.scoped("that were left out are all taken at once when the owner changes his mind, however many are missing", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld(10)
      for (let n = 0; n < 600; n++) photo(world, `missing${n}`)
      for (let n = 0; n < 20; n++) photo(world, `large${n}`, randomBytes(10))
      yield* told(world.recorder)
      const again: Recorder = { ...world.recorder, source: yield* world.open() }
      assert.deepStrictEqual(yield* told(again), [])
      const all: Recorder = { ...world.recorder, source: yield* world.open(Number.POSITIVE_INFINITY) }
      assert.strictEqual((yield* told(all)).filter((each) => each.startsWith("content large")).length, 20)
      // A file that comes without a sign is found by runs that each look for some of what is missing.
      for (const file of ["missing0", "missing299", "missing599"]) fs.writeFileSync(join(world.photos, file), "here")
      const found: Array<string> = []
      for (let run = 0; run < 4; run++) {
        yield* TestClock.adjust("1 hour")
        const later: Recorder = { ...world.recorder, source: yield* world.open(Number.POSITIVE_INFINITY) }
        found.push(...(yield* told(later)).map((each) => each.split(" ").slice(0, 2).join(" ")))
      }
      assert.sameMembers(found, ["content missing0", "content missing299", "content missing599"])
    }))

  it.scoped("of messages that went are not looked for any more", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      photo(world, "late")
      yield* told(world.recorder)
      world.notes.exec("DELETE FROM note")
      fs.writeFileSync(join(world.photos, "late"), "late")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* told(world.recorder), [])
      assert.isFalse([...world.recorder.state.keys()].some((key) => key.startsWith("n:")))
    }))

  it.scoped("of messages that went and came back are looked for again (Verifies: SRC-62)", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      const { notes, recorder } = world
      photo(world, "late")
      photo(world, "here", randomBytes(10))
      yield* told(recorder)
      notes.exec("UPDATE note SET gone = 5")
      yield* TestClock.adjust("1 hour")
      yield* told(recorder)
      assert.isFalse([...recorder.state.keys()].some((key) => key.startsWith("n:")))
      notes.exec("UPDATE note SET gone = 0")
      yield* TestClock.adjust("1 hour")
      yield* told(recorder)
      assert.deepStrictEqual(mismatches(yield* recorder.source.ledger!(recorder.state)), [])
      fs.writeFileSync(join(world.photos, "late"), "late")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* told(recorder), ["content late inline of 3"])
      assert.deepStrictEqual(yield* told(recorder), [])
      yield* foldsToDump(recorder)
    }))
})

describe("the ledger of a database (Verifies: SRC-60)", () => {
  it.scoped("adds up after a pass, names what is missing, and does not where the log is lied about", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      const { notes, recorder } = world
      photo(world, "short", randomBytes(10))
      photo(world, "late")
      addNote(notes, "plain")
      const ledger = () => recorder.source.ledger!(recorder.state)
      assert.deepStrictEqual(mismatches(yield* ledger()), [
        {
          conversation: "us",
          title: "Us",
          inStore: 3,
          inLog: 0,
          attachments: { referenced: 2, stored: 0, missing: [], unexplained: 2 }
        }
      ])
      yield* pass(recorder)
      const whole = yield* ledger()
      const missing = [{ reason: "not on this machine", count: 1 }]
      assert.deepStrictEqual(whole, {
        conversations: [{
          conversation: "us",
          title: "Us",
          inStore: 3,
          inLog: 3,
          attachments: { referenced: 2, stored: 1, missing, unexplained: 0 }
        }],
        attachments: { referenced: 2, stored: 1, missing, unexplained: 0 },
        skipped: []
      })
      // What no pass has seen yet does not add up; nothing says that all is there before it is.
      for (const lie of ["DELETE FROM note WHERE guid = 'plain'", "INSERT INTO note (guid, room) VALUES ('x', 'us')"]) {
        notes.exec(lie)
        assert.strictEqual(mismatches(yield* ledger()).length, 1, lie)
        yield* TestClock.adjust("1 minute")
        yield* pass(recorder)
        assert.deepStrictEqual(mismatches(yield* ledger()), [], lie)
      }
    }))
})
