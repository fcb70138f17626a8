/** After anything that may happen to a database, a pass tells what is different, once. */
import { assert, describe, it } from "@effect/vitest"
import type { DatabaseSyncInstance } from "@photostructure/sqlite"
import { foldsToDump, makeRecorder, pass, type Recorder, replayed } from "@sealog/core/testing/SourceRecorder"
import { Effect } from "effect"
import * as fc from "fast-check"
import * as fs from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../MaildirDriver.ts"
import { addNote, makeNotes, openNoteSource, react } from "./NoteStore.ts"

interface World {
  readonly path: string
  notes: DatabaseSyncInstance
  recorder: Recorder
  count: number
}

const makeWorld = Effect.gen(function*() {
  const path = join(yield* temporaryFolder, "notes.db")
  const notes = makeNotes(path)
  const world: World = { path, notes, recorder: makeRecorder(yield* openNoteSource(path)), count: 0 }
  yield* Effect.addFinalizer(() => Effect.sync(() => world.notes.close()))
  return world
})

const add = (world: World, many = 1) => {
  world.notes.exec("BEGIN")
  for (let n = 0; n < many; n++) addNote(world.notes, `n${world.count++}`)
  world.notes.exec("COMMIT")
}

const told = ({ recorder }: World) => Effect.map(pass(recorder), (events) => events.map(summary))

const summary = (event: Recorder["events"][number]): string => {
  const key = "message" in event
    ? event.message.key
    : "key" in event
    ? event.key
    : "subject" in event
    ? event.subject
    : ""
  const more = "scope" in event ? [event.scope] : "emoji" in event ? [event.author, event.emoji] : []
  return [event.kind, key, ...more].join(" ")
}

/** Nothing is left to tell: now, after a restart, and with nothing but the events. */
const settled = Effect.fn("test.settled")(function*(world: World) {
  assert.deepStrictEqual(yield* told(world), [])
  yield* foldsToDump(world.recorder)
  const restarted = { ...world.recorder, source: yield* openNoteSource(world.path) }
  assert.deepStrictEqual((yield* pass(restarted)).map(summary), [])
  const rebuilt = { ...restarted, state: replayed(world.recorder), source: yield* openNoteSource(world.path) }
  assert.deepStrictEqual((yield* pass(rebuilt)).map(summary), [])
})

const run = (world: World, sql: string, ...values: ReadonlyArray<string | number>) =>
  Effect.sync(() => void world.notes.prepare(sql).run(...values))

describe("a database", () => {
  it.scopedLive("tells rows that came, changed, went and came back, and reactions", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      add(world, 3)
      assert.deepStrictEqual(yield* told(world), [
        "participant.upsert ",
        "chat.upsert ",
        "chat.members ",
        "message.added n0",
        "message.added n1",
        "message.added n2"
      ])
      react(world.notes, "n1", "bob", "+")
      react(world.notes, "n1", "ada", "+")
      assert.deepStrictEqual(yield* told(world), ["reaction.added n1 bob +", "reaction.added n1 ada +"])
      react(world.notes, "n1", "bob", "-")
      assert.deepStrictEqual(yield* told(world), ["reaction.removed n1 bob +", "reaction.added n1 bob -"])
      react(world.notes, "n1", "bob", null)
      yield* run(world, "UPDATE note SET body = 'other' WHERE guid = 'n0'")
      assert.deepStrictEqual(yield* told(world), ["message.edited n0", "reaction.removed n1 bob -"])
      yield* run(world, "DELETE FROM note WHERE about = 'n1' AND author = 'ada'")
      assert.deepStrictEqual(yield* told(world), ["reaction.removed n1 ada +"])
      yield* run(world, "DELETE FROM note WHERE guid = 'n2'")
      assert.deepStrictEqual(yield* told(world), ["message.removed n2 vanished"])
      yield* settled(world)
      addNote(world.notes, "n2")
      assert.deepStrictEqual(yield* told(world), ["message.edited n2", "message.restored n2"])
      yield* run(world, "UPDATE note SET gone = 1 WHERE guid = 'n0'")
      assert.deepStrictEqual(yield* told(world), ["message.removed n0 recoverable"])
      yield* run(world, "DELETE FROM note WHERE guid = 'n0'")
      assert.deepStrictEqual(yield* told(world), ["message.removed n0 vanished"])
      yield* run(world, "UPDATE room SET title = 'We'")
      assert.deepStrictEqual(yield* told(world), ["chat.upsert "])
      yield* run(world, "UPDATE note SET author = author")
      assert.deepStrictEqual(yield* told(world), [])
      yield* settled(world)
    }), 20_000)

  it.scopedLive(
    "knows its messages again in another file, in which they have other rows (Verifies: SRC-32)",
    () =>
      Effect.gen(function*() {
        const world = yield* makeWorld
        add(world, 600)
        react(world.notes, "n5", "bob", "+")
        yield* told(world)
        world.notes.close()
        for (const side of ["", "-wal", "-shm"]) fs.rmSync(world.path + side, { force: true })
        world.notes = makeNotes(world.path)
        addNote(world.notes, "before all")
        for (let n = 599; n > 0; n--) addNote(world.notes, `n${n}`, n === 7 ? "other" : undefined)
        react(world.notes, "n5", "bob", "+")
        const events = yield* pass(world.recorder)
        const count = (kind: string) => events.filter((event) => event.kind === kind).length
        assert.deepStrictEqual(
          ["message.added", "message.edited", "message.removed", "reaction.added", "reaction.removed"].map(count),
          // One of them happens to have the row it had.
          [1, 598, 1, 0, 0]
        )
        yield* settled(world)
      }),
    20_000
  )

  it.scopedLive(
    "asks the store again for what another history of its machine has changed (Verifies: SRC-35)",
    () =>
      Effect.gen(function*() {
        const world = yield* makeWorld
        add(world, 4)
        react(world.notes, "n1", "bob", "+")
        yield* run(world, "UPDATE note SET gone = 1 WHERE guid = 'n2'")
        yield* told(world)
        const { events, source, state } = world.recorder
        // As a fork leaves it: what was told stands in a log that was left, and parts of the table were taken away.
        const table = {
          get: (key: string) => state.get(key),
          set: (key: string, value: string) => void state.set(key, value),
          delete: (key: string) => void state.delete(key)
        }
        for (const event of events) source.remember(event, -1, table)
        for (const key of state.keys()) if (/^[rx]:|^z$/.test(key)) state.delete(key)
        yield* run(world, "UPDATE note SET body = 'other' WHERE guid = 'n3'")
        world.recorder = { ...world.recorder, source: yield* openNoteSource(world.path) }
        assert.deepStrictEqual(yield* told(world), [
          "message.removed n2 recoverable",
          "message.edited n3",
          "reaction.added n1 bob +"
        ])
        yield* foldsToDump(world.recorder)
        assert.deepStrictEqual(yield* told(world), [])
        // A page of which nothing is known any more is told anew.
        for (const key of state.keys()) if (/^p:|^z$/.test(key)) state.delete(key)
        world.recorder = { ...world.recorder, source: yield* openNoteSource(world.path) }
        assert.strictEqual((yield* told(world)).filter((one) => one.startsWith("message.added")).length, 3)
        yield* foldsToDump(world.recorder)
      }),
    20_000
  )

  it.scopedLive("takes many pages, changes anywhere in them, and rows far apart", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      add(world, 6_000)
      yield* run(world, "UPDATE sqlite_sequence SET seq = 2000000000000")
      add(world, 3)
      assert.strictEqual((yield* told(world)).filter((one) => one.startsWith("message.added")).length, 6_003)
      yield* settled(world)
      // What a running source does not look at at once, one that starts does.
      yield* run(world, "UPDATE note SET body = 'old' WHERE guid = 'n3'")
      yield* run(world, "DELETE FROM note WHERE guid = 'n300'")
      world.recorder = { ...world.recorder, source: yield* openNoteSource(world.path) }
      assert.deepStrictEqual(yield* told(world), ["message.edited n3", "message.removed n300 vanished"])
      yield* run(world, "DELETE FROM note WHERE id <= 512")
      world.recorder = { ...world.recorder, source: yield* openNoteSource(world.path) }
      assert.strictEqual((yield* told(world)).length, 511)
      yield* settled(world)
    }), 60_000)

  it("comes to what it holds after any history (Verifies: SRC-5)", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...acts), fc.nat(40), fc.boolean()), { maxLength: 40 }),
        (history) =>
          Effect.gen(function*() {
            const world = yield* makeWorld
            for (const [act, number, look] of history) {
              play(world, act, number)
              if (look) yield* pass(world.recorder, number % 3 === 0 ? 1 : undefined)
            }
            // What cannot be read is not taken for deleted, so that it still stands in the log.
            play(world, "mend", 0)
            yield* pass(world.recorder)
            yield* settled(world)
          }).pipe(Effect.scoped, Effect.runPromise)
      ),
      { numRuns: 40 }
    ), 60_000)
})

const acts = ["add", "edit", "remove", "restore", "delete", "react", "unreact", "unsay", "break", "mend"] as const

const play = (world: World, act: (typeof acts)[number], number: number): void => {
  const key = `n${number}`
  const sql = (text: string) => void world.notes.prepare(text).run(key)
  switch (act) {
    case "add":
      return addNote(world.notes, `n${world.count++}`)
    case "edit":
      return sql("UPDATE note SET body = body || '!' WHERE guid = ?")
    case "remove":
      return sql("UPDATE note SET gone = 9 WHERE guid = ?")
    case "restore":
      return sql("UPDATE note SET gone = 0 WHERE guid = ?")
    case "delete":
      return sql("DELETE FROM note WHERE guid = ?")
    case "react":
      return react(world.notes, key, number % 2 === 0 ? "ada" : "bob", "+")
    case "unreact":
      return react(world.notes, key, "ada", null)
    case "unsay":
      return sql("DELETE FROM note WHERE about = ?")
    case "break":
      return sql("UPDATE note SET guid = CAST(guid AS BLOB) WHERE guid = ? AND about IS NULL")
    case "mend":
      return void world.notes.prepare("UPDATE note SET guid = CAST(guid AS TEXT)").run()
  }
}
