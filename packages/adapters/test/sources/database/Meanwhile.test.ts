import { assert, describe, it } from "@effect/vitest"
import { tellWhileWaiting } from "@sealog/adapters/sources/database/Meanwhile"
import type { Batch } from "@sealog/core/backup/Source"
import { Deferred, Effect, Fiber, Ref, Stream, TestClock } from "effect"

/** A batch of one fact, to be known again. */
const batchOf = (subject: string): Batch => ({
  drafts: [{ fact: { kind: "source.gap", conversation: "", subject, reason: "" } }]
})

const subjectsOf = (batches: ReadonlyArray<Batch>) =>
  batches.flatMap(({ drafts }) => drafts.map(({ fact }) => fact.kind === "source.gap" ? fact.subject : fact.kind))

describe("what comes while something takes long", () => {
  it.effect("is told before that is done, once for each commit, and what was found comes last", () =>
    Effect.gen(function*() {
      const version = yield* Ref.make(0)
      const found = yield* Deferred.make<string>()
      const told: Array<string> = []
      const rows = Stream.unwrap(Effect.map(Ref.get(version), (now) => Stream.succeed(batchOf(`row ${now}`))))
      const meanwhile = {
        database: { version: Effect.map(Ref.get(version), String) },
        rows
      }
      const telling = yield* tellWhileWaiting(meanwhile, Deferred.await(found), (one) => Stream.succeed(batchOf(one)))
        .pipe(
          Stream.runForEach((batch) =>
            Effect.sync(() => {
              told.push(...subjectsOf([batch]))
              batch.release?.()
            })
          ),
          Effect.fork
        )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(told, [])
      for (const commit of [1, 2]) {
        yield* Ref.set(version, commit)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(told.at(-1), `row ${commit}`)
      }
      yield* Deferred.succeed(found, "pages")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(telling)
      assert.deepStrictEqual(told, ["row 1", "row 2", "pages"])
    }))

  it.effect("waits until each batch is taken before it looks for more", () =>
    Effect.gen(function*() {
      const version = yield* Ref.make(0)
      let looks = 0
      const meanwhile = {
        database: { version: Effect.map(Ref.get(version), String) },
        rows: Stream.sync(() => {
          looks++
          return batchOf("row")
        })
      }
      const untaken: Array<Batch> = []
      yield* tellWhileWaiting(meanwhile, Effect.never, () => Stream.empty).pipe(
        Stream.runForEach((batch) => Effect.sync(() => untaken.push(batch))),
        Effect.fork
      )
      yield* TestClock.adjust("1 second")
      // The sign that all before is taken was not given back yet.
      yield* Ref.set(version, 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(looks, 0)
      untaken.shift()?.release?.()
      yield* TestClock.adjust("1 second")
      yield* Ref.set(version, 2)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(looks, 1)
      for (const batch of untaken.splice(0)) batch.release?.()
      yield* Ref.set(version, 3)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(looks, 2)
    }))

  it.effect("ends as what it waits for fails", () =>
    Effect.gen(function*() {
      const meanwhile = { database: { version: Effect.succeed("1") }, rows: Stream.empty }
      const failing = Effect.fail({ _tag: "SourceError" } as never)
      const error = yield* tellWhileWaiting(meanwhile, failing, () => Stream.empty).pipe(
        Stream.runForEach((batch) => Effect.sync(() => batch.release?.())),
        Effect.flip
      )
      assert.strictEqual((error as { readonly _tag: string })._tag, "SourceError")
    }))
})
