/**
 * Answers on stdout: one JSON document, or the same as text, and never both.
 */
import { Clock, Effect, Schema, Stream } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import { Progress } from "../Progress.ts"
import { Terminal } from "../Terminal.ts"
import type { Present, View } from "./Human.ts"
import { makeStyle } from "./Style.ts"

/** Prints one report. */
export const print = Effect.fn("Output.print")(function*<A, I>(
  flags: GlobalFlags,
  schema: Schema.Schema<A, I>,
  report: A,
  present: Present<A>
) {
  const terminal = yield* Terminal
  const progress = yield* Progress
  yield* progress.clear
  if (flags.json) return yield* terminal.out(`${yield* encode(schema, report)}\n`)
  yield* terminal.out(present(report, yield* makeView()))
})

/** Prints reports as they come, one a line. */
export const printAll = Effect.fn("Output.printAll")(function*<A, I, E, R>(
  flags: GlobalFlags,
  schema: Schema.Schema<A, I>,
  reports: Stream.Stream<A, E, R>,
  present: Present<A>
) {
  const terminal = yield* Terminal
  const view = yield* makeView()
  const text = (report: A) =>
    flags.json ? Effect.map(encode(schema, report), (json) => `${json}\n`) : Effect.succeed(present(report, view))
  yield* reports.pipe(
    Stream.mapEffect(text),
    Stream.chunks,
    Stream.runForEach((chunk) => terminal.out([...chunk].join("")))
  )
})

/** A report that its own Schema refuses is a bug. */
const encode = <A, I>(schema: Schema.Schema<A, I>, report: A) =>
  Effect.map(Effect.orDie(Schema.encode(schema)(report)), (encoded) => JSON.stringify(encoded))

const makeView = Effect.fn("Output.makeView")(function*() {
  const terminal = yield* Terminal
  const nowMillis = yield* Clock.currentTimeMillis
  return { style: makeStyle(terminal.colours), nowMillis } satisfies View
})
