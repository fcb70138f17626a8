/**
 * How long work tells where it stands. The work reports as often as it likes; what is shown, and whether at all, is
 * decided here: one line on a terminal, only after a second, nothing with `--quiet` or in a pipe.
 */
import { Context, Effect, Layer } from "effect"
import { bytes as readableBytes } from "./present/Units.ts"
import { Terminal } from "./Terminal.ts"

export interface Step {
  /** What is being done, as `reading maildir`. */
  readonly stage: string
  readonly done: number
  readonly total?: number
  readonly unit: "events" | "bytes" | "objects" | "messages" | "promises"
}

export class Progress extends Context.Tag("@sealog/daemon/Progress")<Progress, {
  /** Costs nothing where nobody looks. */
  readonly report: (step: Step) => Effect.Effect<void>
  /** Removes the line, before other output. */
  readonly clear: Effect.Effect<void>
}>() {}

/** Nobody looks. */
export const layerNone = Layer.succeed(Progress, { report: () => Effect.void, clear: Effect.void })

const QUIET_MILLIS = 1_000
const REFRESH_MILLIS = 100

/** One line on the terminal's stderr, redrawn at most ten times a second. */
export const layer = Layer.effect(
  Progress,
  Effect.gen(function*() {
    const terminal = yield* Terminal
    if (!terminal.showsProgress) return { report: () => Effect.void, clear: Effect.void }
    const clock = yield* Effect.clock
    const began = clock.unsafeCurrentTimeMillis()
    let drawn = Number.NEGATIVE_INFINITY
    const report = (step: Step) =>
      Effect.suspend(() => {
        const now = clock.unsafeCurrentTimeMillis()
        if (now - began < QUIET_MILLIS || now - drawn < REFRESH_MILLIS) return Effect.void
        drawn = now
        return terminal.err(`\r\u001b[2K${line(step, terminal.columns)}`)
      })
    const clear = Effect.suspend(() => {
      if (drawn === Number.NEGATIVE_INFINITY) return Effect.void
      drawn = Number.NEGATIVE_INFINITY
      return terminal.err("\r\u001b[2K")
    })
    return { report, clear }
  })
)

/** One line that fits. */
export const line = (step: Step, columns: number): string => {
  const amount = (value: number) =>
    step.unit === "bytes" ? readableBytes(value) : `${value.toLocaleString("en-US")} ${step.unit}`
  if (step.total === undefined || step.total <= 0) return `${step.stage}  ${amount(step.done)}`.slice(0, columns - 1)
  const share = Math.min(1, step.done / step.total)
  const width = 24
  const full = Math.round(share * width)
  const bar = `${"━".repeat(full)}${"─".repeat(width - full)}`
  return `${step.stage}  ${bar}  ${String(Math.floor(share * 100)).padStart(3)} %  ${amount(step.done)}`
    .slice(0, columns - 1)
}
