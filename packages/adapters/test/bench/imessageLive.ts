/**
 * How long a new message of Messages takes until it is told, with other programs' eyes on the files and without:
 *
 *   node .ci/ts.mjs packages/adapters/test/bench/imessageLive.ts [messages] [rounds]
 */
import { openIMessage } from "@sealog/adapters/sources/IMessage"
import { generateIMessage } from "@sealog/adapters/testing/IMessageGenerator"
import { makeRecorder, pass } from "@sealog/core/testing/SourceRecorder"
import { Console, Deferred, Effect, Stream } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const [messages = "20000", rounds = "100"] = process.argv.slice(2)

const main = Effect.gen(function*() {
  const path = join(fs.mkdtempSync(join(tmpdir(), "sealog-live-")), "chat.db")
  const store = generateIMessage({ path, seed: 1, messages: Number(messages) })
  const recorder = makeRecorder(yield* openIMessage({ name: "imessage", path }))
  let waiting: { readonly from: number; readonly done: Deferred.Deferred<number> } | undefined
  yield* recorder.source.hints.pipe(
    Stream.mapEffect(() => pass(recorder)),
    Stream.runForEach((events) =>
      waiting === undefined || events.length === 0
        ? Effect.void
        : Deferred.succeed(waiting.done, performance.now() - waiting.from)
    ),
    Effect.fork
  )
  yield* Effect.sleep("2 seconds")
  const cpu = process.cpuUsage()
  const times: Array<number> = []
  for (let round = 0; round < Number(rounds); round++) {
    const done = yield* Deferred.make<number>()
    waiting = { from: performance.now(), done }
    store.say(1, { text: `round ${round}` })
    times.push(yield* Deferred.await(done))
    yield* Effect.sleep("50 millis")
  }
  const { system, user } = process.cpuUsage(cpu)
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(1)
  yield* Console.log(`from the commit to the event: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, most ${at(1)} ms`)
  yield* Console.log(
    `${((system + user) / 1_000 / times.length).toFixed(2)} ms of processor a message, its writer's among it`
  )
})

await Effect.runPromise(Effect.scoped(main))
process.exit(0)
