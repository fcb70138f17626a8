import { assert, describe, it } from "@effect/vitest"
import { openJsonl } from "@sealog/adapters/sources/Jsonl"
import { parseLine, sourceLine } from "@sealog/adapters/sources/JsonlLine"
import { foldsToDump, makeRecorder, pass, replayed } from "@sealog/core/testing/SourceRecorder"
import { Effect } from "effect"
import * as fc from "fast-check"
import * as fs from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "./MaildirDriver.ts"

const lines = (...all: ReadonlyArray<string>): string => all.map((line) => `${line}\n`).join("")
const message = (id: number, text = `text ${id}`): string => `{"id":"m${id}","text":"${text}","type":"text"}`

/** Histories tried; more of them with SEALOG_RUNS. */
const RUNS = Number(process.env["SEALOG_RUNS"] ?? 40)

const kindsOf = (events: ReadonlyArray<{ readonly kind: string }>) => events.map(({ kind }) => kind)

const store = Effect.gen(function*() {
  const root = yield* temporaryFolder
  fs.writeFileSync(join(root, "chat.jsonl"), lines(message(1), message(2)))
  const recorder = makeRecorder(yield* openJsonl({ name: "jsonl", path: root }))
  yield* pass(recorder)
  return { root, recorder, file: join(root, "chat.jsonl") }
})

describe("a JSON Lines store", () => {
  it.live("takes only whole lines", () =>
    Effect.gen(function*() {
      const { file, recorder } = yield* store
      fs.appendFileSync(file, "{\"id\":\"half\",\"te")
      assert.deepStrictEqual(kindsOf(yield* pass(recorder)), [])
      fs.appendFileSync(file, "xt\":\"whole\"}\n")
      assert.deepStrictEqual(kindsOf(yield* pass(recorder)), ["message.added"])
      yield* foldsToDump(recorder)
    }).pipe(Effect.scoped))

  /** Verifies: SRC-20 */
  it.live("goes on at its place in a file that was rotated", () =>
    Effect.gen(function*() {
      const { file, recorder } = yield* store
      fs.renameSync(file, `${file}.1`)
      fs.appendFileSync(`${file}.1`, lines(message(3)))
      fs.writeFileSync(file, lines(message(4)))
      assert.deepStrictEqual(kindsOf(yield* pass(recorder)), ["message.added", "message.added"])
      assert.deepStrictEqual(kindsOf(yield* pass(recorder)), [])
      yield* foldsToDump(recorder)
    }).pipe(Effect.scoped))

  /** Verifies: SRC-20 */
  it.live("repeats nothing of a file that was copied and cut", () =>
    Effect.gen(function*() {
      const { file, recorder } = yield* store
      fs.copyFileSync(file, `${file}.1`)
      fs.truncateSync(file, 0)
      fs.appendFileSync(file, lines(message(3)))
      assert.deepStrictEqual(kindsOf(yield* pass(recorder)), ["message.added"])
      assert.deepStrictEqual(kindsOf(yield* pass(recorder)), [])
      yield* foldsToDump(recorder)
    }).pipe(Effect.scoped))

  it.live("tells the difference when a file was replaced by another", () =>
    Effect.gen(function*() {
      const { file, recorder } = yield* store
      fs.writeFileSync(`${file}.draft`, lines(message(2, "other"), message(3)))
      fs.renameSync(`${file}.draft`, file)
      assert.deepStrictEqual(kindsOf(yield* pass(recorder)).toSorted(), [
        "message.added",
        "message.edited",
        "message.removed"
      ])
      assert.deepStrictEqual(kindsOf(yield* pass(recorder)), [])
      yield* foldsToDump(recorder)
    }).pipe(Effect.scoped))

  it.live("tells a line it cannot understand by file and number, and takes the rest", () =>
    Effect.gen(function*() {
      const { file, recorder } = yield* store
      fs.appendFileSync(file, lines("", "not json", message(3), "[]", "{\"op\":\"dance\",\"id\":\"m1\"}"))
      assert.deepStrictEqual(kindsOf(yield* pass(recorder)), [
        "source.gap",
        "message.added",
        "source.gap",
        "source.gap"
      ])
      assert.deepStrictEqual(recorder.source.gaps(recorder.state).map(({ subject }) => subject), [
        "chat.jsonl:4",
        "chat.jsonl:6",
        "chat.jsonl:7"
      ])
      fs.writeFileSync(`${file}.draft`, lines(message(1), message(2), message(3)))
      fs.renameSync(`${file}.draft`, file)
      yield* pass(recorder)
      assert.deepStrictEqual(recorder.source.gaps(recorder.state), [])
      yield* foldsToDump(recorder)
    }).pipe(Effect.scoped))

  it.live("reads a single file and what it was rotated to, and nothing beside", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      const path = join(root, "one.log")
      fs.writeFileSync(path, lines(message(1)))
      fs.writeFileSync(join(root, "other.jsonl"), lines(message(2)))
      const recorder = makeRecorder(yield* openJsonl({ name: "jsonl", path }))
      assert.strictEqual((yield* pass(recorder)).length, 1)
      fs.renameSync(path, `${path}.1`)
      fs.writeFileSync(path, lines(message(3)))
      assert.strictEqual((yield* pass(recorder)).length, 1)
      yield* foldsToDump(recorder)
    }).pipe(Effect.scoped))

  /** Verifies: SRC-5 */
  it.live(
    "comes to what the files say, whatever happens to them in whatever order",
    () =>
      Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            fc.array(step, { maxLength: 12 }),
            (steps) => Effect.runPromise(Effect.scoped(history(steps)))
          ),
          { numRuns: RUNS }
        )
      ),
    60_000
  )
})

describe("a line", () => {
  /** Verifies: SRC-21 */
  it("can be had again from what was understood of it, to the byte", () => {
    fc.assert(fc.property(anyLine, (line) => {
      const bytes = Buffer.from(line)
      const parsed = parseLine(bytes)
      assert.strictEqual(parsed.op, "put")
      if (parsed.op === "put") {
        assert.strictEqual(Buffer.from(sourceLine(parsed.conversation, parsed.message)).toString(), line)
      }
    }))
  })

  it("in canonical form is not kept twice", () => {
    const line =
      "{\"at\":\"2024-01-01T00:00:00.000Z\",\"author\":\"ada\",\"conversation\":\"us\",\"extra\":{\"a\":[1]},\"id\":\"1\","
      + "\"reactions\":[{\"author\":\"b\",\"emoji\":\"👍\"}],\"source\":\"s\",\"text\":\"é\",\"type\":\"text\"}"
    const parsed = parseLine(Buffer.from(line))
    assert(parsed.op === "put")
    assert.isUndefined(parsed.message.raw)
    assert.strictEqual(parsed.message.at, 1_704_067_200_000)
  })

  it("keeps integers that no number holds", () => {
    const parsed = parseLine(Buffer.from("{\"id\":\"1\",\"n\":9007199254740993}"))
    assert(parsed.op === "put")
    assert.include(Buffer.from(parsed.message.raw!.bytes).toString(), "9007199254740993")
  })
})

type Step = { readonly act: number; readonly id: number; readonly text: number }
const step: fc.Arbitrary<Step> = fc.record({ act: fc.nat(11), id: fc.nat(3), text: fc.nat(2) })

const lineFor = ({ act, id, text }: Step): string => {
  const about = { id: `m${id}` }
  const line = [
    { ...about, text: `text ${text}` },
    { ...about, op: "edit", text: `text ${text}`, flags: text === 0 ? ["b", "a"] : ["a"] },
    { ...about, op: "remove" },
    { ...about, op: "restore" },
    { ...about, op: "react", author: "a", emoji: `${text}` },
    { ...about, op: "unreact", author: "a", emoji: `${text}` },
    { ...about, op: "flags", flags: [`${text}`] },
    { ...about, text: `text ${text}`, reactions: [{ author: "b", emoji: "x" }] },
    { ...about, op: "receipt", receipt: "read", by: `${text}` }
  ][act]
  return JSON.stringify(line)
}

const history = Effect.fn(function*(steps: ReadonlyArray<Step>) {
  const root = yield* temporaryFolder
  const file = join(root, "chat.jsonl")
  fs.writeFileSync(file, "")
  const recorder = makeRecorder(yield* openJsonl({ name: "jsonl", path: root }))
  for (const one of steps) {
    if (one.act === 9) fs.renameSync(file, `${file}.${1000 - steps.indexOf(one)}`)
    else if (one.act === 10) {
      const kept = fs.readFileSync(file, "utf8").split("\n").slice(0, one.text).map((line) => `${line}\n`)
      fs.writeFileSync(`${file}.draft`, kept.join(""))
      fs.renameSync(`${file}.draft`, file)
    } else if (one.act === 11) yield* pass(recorder, one.text)
    else fs.appendFileSync(file, lines(lineFor(one)))
    if (!fs.existsSync(file)) fs.writeFileSync(file, "")
    if (one.id === 0) {
      yield* pass(recorder)
      yield* foldsToDump(recorder)
    }
  }
  yield* pass(recorder)
  yield* foldsToDump(recorder)
  assert.deepStrictEqual(kindsOf(yield* pass(recorder)), [])
  assert.deepStrictEqual(kindsOf(yield* pass({ ...recorder, state: replayed(recorder) })), [])
})

const anyLine: fc.Arbitrary<string> = fc.tuple(
  fc.dictionary(
    fc.oneof(
      fc.constantFrom(
        "id",
        "at",
        "author",
        "text",
        "type",
        "flags",
        "reactions",
        "attachments",
        "edits",
        "extra",
        "raw"
      ),
      fc.string({ unit: "binary" })
    ),
    fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom("2024-02-29T12:00:00.5Z", "2024-01-01T00:00:00.000Z", 0, -1, 1e21, ["b", "a"], [{
        author: "a",
        emoji: "b"
      }])
    ),
    { noNullPrototype: true }
  ),
  fc.constantFrom("", " "),
  fc.boolean()
).filter(([object]) => object["id"] === undefined || typeof object["id"] === "string")
  .map(([object, space, isSorted]) => {
    const { op: _op, ...rest } = object
    const names = isSorted ? Object.keys(rest).toSorted() : Object.keys(rest)
    return `{${names.map((name) => `${JSON.stringify(name)}:${space}${JSON.stringify(rest[name])}`).join(",")}}`
  })
