/** A store is read while another program writes it, as hard as it can, and is killed: nothing is lost, torn or in its way. */
import { assert, describe, it } from "@effect/vitest"
import { foldsToDump, makeRecorder, pass } from "@sealog/core/testing/SourceRecorder"
import { Effect, Fiber, Schedule } from "effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { temporaryFolder } from "../MaildirDriver.ts"
import { makeNotes, openNoteSource } from "./NoteStore.ts"

const script = fileURLToPath(new URL("../../fixtures/noteWriter.mjs", import.meta.url))

/** Writes for so long, and is killed if it is not done by then; the number it came to, and what it complained of. */
const write = (path: string, first: number, seconds: number, killAfterMillis?: number) =>
  Effect.async<{ readonly last: number; readonly complaint: string }>((resume) => {
    const child = spawn(process.execPath, [script, path, String(first), String(seconds)])
    let last = first
    let complaint = ""
    child.stdout.on("data", (data: Buffer) => {
      last = Number(data.toString().trim().split("\n").at(-1))
      if (killAfterMillis !== undefined) killer ??= setTimeout(() => child.kill("SIGKILL"), killAfterMillis)
    })
    child.stderr.on("data", (data: Buffer) => {
      complaint += data.toString()
    })
    let killer: NodeJS.Timeout | undefined
    child.once("close", () => {
      clearTimeout(killer)
      resume(Effect.succeed({ last, complaint }))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

describe("a store that another program writes all the time", () => {
  it.scopedLive(
    "is told row by row, each once and whole, and its writer never waits (Verifies: SRC-30, SRC-33)",
    () =>
      Effect.gen(function*() {
        const path = join(yield* temporaryFolder, "notes.db")
        makeNotes(path).close()
        const recorder = makeRecorder(yield* openNoteSource(path))
        const reading = yield* Effect.fork(
          Effect.repeat(pass(recorder), Schedule.spaced("1 millis"))
        )
        const first = yield* write(path, 100, 60, 700)
        assert.strictEqual(first.complaint, "")
        const second = yield* write(path, first.last + 100, 60, 700)
        assert.strictEqual(second.complaint, "")
        const third = yield* write(path, second.last + 100, 2)
        assert.strictEqual(third.complaint, "")
        assert.isAbove(third.last - first.last, 200)
        yield* Fiber.interrupt(reading)
        // A pass that was cut short is made up for by a source that starts.
        yield* pass({ ...recorder, source: yield* openNoteSource(path) })
        yield* foldsToDump(recorder)
        const added = recorder.events.flatMap((event) => event.kind === "message.added" ? [event.message.key] : [])
        assert.strictEqual(new Set(added).size, added.length)
        // The two of a pair were written as one.
        const pairs = new Map<string, Set<string>>()
        for (const event of recorder.events) {
          if (event.kind !== "message.added") continue
          const number = /\d+$/.exec(event.message.key)![0]
          pairs.set(number, (pairs.get(number) ?? new Set()).add(event.message.key))
        }
        for (const [number, pair] of pairs) {
          // Of every seventh pair one is deleted soon, maybe before anybody looks.
          if (Number(number) % 7 !== 0) assert.strictEqual(pair.size, 2, number)
        }
        assert.deepStrictEqual(yield* pass({ ...recorder, source: yield* openNoteSource(path) }), [])
      }),
    60_000
  )
})
