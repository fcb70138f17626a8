/** Verifies: RST-14 */
import { assert, describe, it } from "@effect/vitest"
import type { Batch, SourceShape } from "@sealog/core/backup/Source"
import type { Attachment, Message } from "@sealog/core/message/Event"
import { Effect, Stream } from "effect"
import { createHash, randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { services } from "../journal/support.ts"
import { freshFolder } from "../support.ts"
import { fetchFrom, type Machine, makeMachine, pass, restoreInto } from "./Machine.ts"

/** A store that tells just these batches, one a pass. */
const telling = (batches: Array<Batch>): SourceShape => ({
  name: "chat",
  kind: "test",
  remember: () => undefined,
  changes: () => Stream.fromIterable(batches.splice(0, 1)),
  hints: Stream.never,
  dump: () => Stream.empty,
  gaps: () => []
})

const digest = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest()

const message = (key: string, attachments: ReadonlyArray<Attachment>): Message => ({
  key,
  type: "image",
  at: Date.UTC(2024, 4, 17),
  attachments
})

const added = (key: string, attachments: ReadonlyArray<Attachment>) => ({
  fact: { kind: "message.added" as const, conversation: "c", message: message(key, attachments) }
})

/** What an attachment holds, short enough for an event or not. */
const held = (key: string, attachment: string, bytes: Uint8Array, origin?: number) => {
  const content = { _tag: "inline" as const, bytes: bytes.length < 1_000 ? bytes : new Uint8Array() }
  const fact = {
    kind: "attachment.content" as const,
    conversation: "c",
    key,
    attachment,
    content,
    ...(origin === undefined ? {} : { origin })
  }
  return bytes.length < 1_000 ? { fact } : {
    fact,
    large: { sha256: digest(bytes), size: bytes.length, bytes: Stream.make(bytes.subarray(0, 99), bytes.subarray(99)) }
  }
}

const removed = (key: string, origin: number) => ({
  fact: { kind: "message.removed" as const, conversation: "c", key, scope: "everyone" as const, origin }
})

const filesIn = (dir: string): Record<string, string> =>
  Object.fromEntries(
    fs.readdirSync(join(dir, "attachments"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [entry.name, digest(fs.readFileSync(join(entry.parentPath, entry.name))).toString("hex")])
  )

const nameOf = (key: string, id: string, name: string) =>
  `${digest(Buffer.from(`${key}\0${id}`)).toString("hex").slice(0, 12)} ${name}`

const photo = { id: "photo", name: "sunset.jpg" }
const note = { id: "dir/odd:name?.txt" }
const endless = { id: "endless", name: `${" ".repeat(50_000)}${"é".repeat(50_000)}.jpeg` }
const film = { id: "film", name: "../../etc/pass\u0000wd" }

describe("attachments", () => {
  it.effect("come back as files of their own names, from the same batch, a later one, short or long", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const [short, long] = [randomBytes(300), randomBytes(400_000)]
      const batches = [
        { drafts: [added("a", [photo, endless]), added("b", [note, film]), held("a", "photo", short, 0)] },
        {
          drafts: [
            held("a", "endless", short, 0),
            held("b", "film", long, 1),
            held("b", note.id, short),
            held("b", "not listed", short)
          ]
        }
      ]
      const machine: Machine = { ...(yield* makeMachine(top)), source: telling(batches) }
      yield* pass(machine)
      yield* pass(machine)
      const dir = join(top, "out")
      const report = yield* restoreInto({ target: machine.targets[0]!, dir, format: "jsonl", attachments: true })
      assert.strictEqual(report.attachments, 4)
      assert.deepStrictEqual(filesIn(dir), {
        [nameOf("a", "photo", "sunset.jpg")]: digest(short).toString("hex"),
        [nameOf("a", "endless", "ééééééé.jpeg")]: digest(short).toString("hex"),
        [nameOf("b", "film", "pass_wd")]: digest(long).toString("hex"),
        [nameOf("b", note.id, "odd_name_.txt")]: digest(short).toString("hex")
      })
      assert.deepStrictEqual(fs.readdirSync(join(dir, "attachments")), ["chat"])
      assert.deepStrictEqual(fs.readdirSync(join(dir, "attachments/chat")), ["2024-05"])
      const without = join(top, "without")
      yield* restoreInto({ target: machine.targets[0]!, dir: without, format: "jsonl" })
      assert.isFalse(fs.existsSync(join(without, "attachments")))
    }).pipe(Effect.scoped, Effect.provide(services)))

  it.effect("of one message are written anew, added and taken away by later restores into the same folder", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const [one, two, three] = [randomBytes(10), randomBytes(20), randomBytes(30)]
      const batches: Array<Batch> = [
        { drafts: [added("a", [photo]), added("b", [film]), held("a", "photo", one, 0), held("b", "film", two, 1)] },
        { drafts: [removed("a", 0), held("b", "film", three, 1)] }
      ]
      const machine: Machine = { ...(yield* makeMachine(top)), source: telling(batches) }
      const target = machine.targets[0]!
      const dir = join(top, "out")
      yield* pass(machine)
      yield* restoreInto({ target, dir, format: "jsonl", attachments: true })
      assert.strictEqual(Object.keys(filesIn(dir)).length, 2)
      yield* pass(machine)
      const again = yield* restoreInto({ target, dir, format: "jsonl", attachments: true })
      assert.deepStrictEqual([again.attachments, again.messages], [1, 1])
      assert.deepStrictEqual(filesIn(dir), { [nameOf("b", "film", "pass_wd")]: digest(three).toString("hex") })
      const fresh = join(top, "fresh")
      yield* restoreInto({ target, dir: fresh, format: "jsonl", attachments: true })
      assert.deepStrictEqual(filesIn(fresh), filesIn(dir))
    }).pipe(Effect.scoped, Effect.provide(services)))

  it.effect("whose messages are damaged are named, and the others come back", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const [one, two] = [randomBytes(300), randomBytes(300)]
      const batches: Array<Batch> = [
        { drafts: [added("a", [photo])] },
        { drafts: [added("b", [film]), held("a", "photo", one, 0), held("b", "film", two)] }
      ]
      const machine: Machine = { ...(yield* makeMachine(top)), source: telling(batches) }
      const target = machine.targets[0]!
      yield* pass(machine)
      const first = fs.readdirSync(join(target, "log"), { recursive: true, withFileTypes: true }).find((entry) =>
        entry.isFile()
      )
      yield* pass(machine)
      fs.writeFileSync(join(first!.parentPath, first!.name), randomBytes(5_000))
      const dir = join(top, "out")
      const report = yield* restoreInto({ target, dir, format: "jsonl", attachments: true, partial: true })
      assert.deepStrictEqual(report.unread.map(({ what }) => what), ["a (photo)"])
      assert.deepStrictEqual(filesIn(dir), { [nameOf("b", "film", "pass_wd")]: digest(two).toString("hex") })
    }).pipe(Effect.scoped, Effect.provide(services)))

  it.effect("that are damaged at the target are named, and nothing of them is written", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const batches: Array<Batch> = [{ drafts: [added("a", [photo]), held("a", "photo", randomBytes(300_000), 0)] }]
      const machine: Machine = { ...(yield* makeMachine(top)), source: telling(batches) }
      const target = machine.targets[0]!
      yield* pass(machine)
      const fetch = yield* fetchFrom(target)
      assert.strictEqual(fetch.writers.length, 1)
      for (const entry of fs.readdirSync(join(target, "blobs"), { recursive: true, withFileTypes: true })) {
        if (entry.isFile()) fs.truncateSync(join(entry.parentPath, entry.name), 5_000)
      }
      const dir = join(top, "out")
      const report = yield* restoreInto({ target, dir, format: "jsonl", attachments: true, partial: true })
      assert.deepStrictEqual(report.unread.map(({ what }) => what), ["a (photo)"])
      assert.isFalse(fs.existsSync(join(dir, "attachments/chat/2024-05", nameOf("a", "photo", "sunset.jpg"))))
    }).pipe(Effect.scoped, Effect.provide(services)))
})
