/**
 * A contract is what every implementation of a port promises, as data: a list of clauses, each a sentence and an
 * effect that succeeds exactly when the sentence holds. Being data, one contract has several runners: a test
 * framework (`register`), a report for the command line or a third party's own suite (`examine`).
 *
 * Each clause is run with its own copy of the layer, so that no clause sees what another one left behind.
 */
import { Cause, Data, Effect, Exit, type Layer, Option, type Scope } from "effect"

/** One promise. `needs` names the capabilities without which it is not asked for. */
export interface Clause<R, E = never, Capability extends string = never> {
  /** A promise in words, as it would follow the implementation's name: "refuses to overwrite". */
  readonly name: string
  readonly needs?: ReadonlyArray<Capability>
  /** What whoever wrote the implementation is to do where it is broken, as one sentence begins. */
  readonly mend?: string
  /** Succeeds when the promise is kept; fails, or dies, when it is broken. */
  readonly check: Effect.Effect<void, E | BrokenPromise, R | Scope.Scope>
  /** How long it may take, in milliseconds; else the runner decides. */
  readonly timeoutMillis?: number
}

export interface Contract<R, E = never, Capability extends string = never> {
  /** The port: `Storage`. */
  readonly name: string
  readonly clauses: ReadonlyArray<Clause<R, E, Capability>>
}

/** An implementation under test: how to make a fresh one, and what it claims to be able to do. */
export interface Subject<R, E = never, Capability extends string = never> {
  /** The implementation: `folder`. */
  readonly name: string
  /** Built anew for each clause. */
  readonly layer: Layer.Layer<R, E>
  readonly capabilities: ReadonlySet<Capability>
}

/** A promise that was not kept: what was promised in detail, and what was found instead. */
export class BrokenPromise extends Data.TaggedError("BrokenPromise")<{
  readonly detail: string
  readonly expected?: unknown
  readonly actual?: unknown
  readonly cause?: unknown
}> {
  override get message() {
    return this.expected === undefined && this.actual === undefined
      ? this.detail
      : `${this.detail}: expected ${show(this.expected)}, found ${show(this.actual)}`
  }
}

/** Fails with `BrokenPromise` unless the condition holds. */
export const promise = (condition: boolean, detail: string): Effect.Effect<void, BrokenPromise> =>
  condition ? Effect.void : Effect.fail(new BrokenPromise({ detail }))

/** Fails with `BrokenPromise` unless both are the same when written out (bytes, bigints and maps too). */
export const promiseSame = (actual: unknown, expected: unknown, detail: string): Effect.Effect<void, BrokenPromise> =>
  show(actual) === show(expected) ? Effect.void : Effect.fail(new BrokenPromise({ detail, expected, actual }))

/** Fails with `BrokenPromise` unless the effect fails with an error of that reason, which it gives back. */
export const promiseFailure = <A, E extends { readonly reason: string } | BrokenPromise, R>(
  effect: Effect.Effect<A, E, R>,
  reason: Extract<E, { readonly reason: string }>["reason"],
  detail: string
): Effect.Effect<E, BrokenPromise, R> =>
  Effect.matchEffect(effect, {
    onSuccess: (actual) => Effect.fail(new BrokenPromise({ detail, expected: reason, actual })),
    onFailure: (error) => {
      if (error instanceof BrokenPromise) return Effect.fail(error)
      return error.reason === reason
        ? Effect.succeed(error)
        : Effect.fail(new BrokenPromise({ detail, expected: reason, actual: error.reason }))
    }
  })

/** Which of a clause's needs the subject does not claim. */
export const missing = <R, E, Capability extends string>(
  clause: Clause<R, E, Capability>,
  subject: Subject<R, E, Capability>
): ReadonlyArray<Capability> => (clause.needs ?? []).filter((need) => !subject.capabilities.has(need))

/** One clause against a fresh implementation. */
export const keep = <R, E, Capability extends string>(
  clause: Clause<R, E, Capability>,
  subject: Subject<R, E, Capability>
): Effect.Effect<void, E | BrokenPromise> => Effect.scoped(Effect.provide(clause.check, subject.layer))

/** How a clause went. */
export type Verdict =
  | { readonly _tag: "kept"; readonly clause: string }
  | { readonly _tag: "broken"; readonly clause: string; readonly why: string; readonly mend?: string }
  | { readonly _tag: "notClaimed"; readonly clause: string; readonly needs: ReadonlyArray<string> }

/** How long a clause may take that does not say it itself, milliseconds. */
const CLAUSE_MILLIS = 60_000

/**
 * Runs a whole contract, one clause after another, and says how each went. Never fails, and waits for none for ever:
 * what does not end is left behind. `onVerdict` hears of each as it comes.
 */
export const examine = Effect.fn("Contract.examine")(function*<R, E, Capability extends string>(
  contract: Contract<R, E, Capability>,
  subject: Subject<R, E, Capability>,
  onVerdict: (verdict: Verdict) => Effect.Effect<void> = () => Effect.void
) {
  const verdicts: Array<Verdict> = []
  for (const clause of contract.clauses) {
    const verdict = yield* judge(clause, subject)
    verdicts.push(verdict)
    yield* onVerdict(verdict)
  }
  return verdicts
})

const judge = Effect.fn("Contract.judge")(function*<R, E, Capability extends string>(
  clause: Clause<R, E, Capability>,
  subject: Subject<R, E, Capability>
) {
  const needs = missing(clause, subject)
  if (needs.length > 0) return { _tag: "notClaimed", clause: clause.name, needs } satisfies Verdict
  const millis = clause.timeoutMillis ?? CLAUSE_MILLIS
  const exit = yield* Effect.exit(
    keep(clause, subject).pipe(
      Effect.disconnect,
      Effect.timeoutFail({
        duration: millis,
        onTimeout: () => new BrokenPromise({ detail: `it did not end within ${millis / 1000} s` })
      })
    )
  )
  if (Exit.isSuccess(exit)) return { _tag: "kept", clause: clause.name } satisfies Verdict
  return {
    _tag: "broken",
    clause: clause.name,
    why: explain(exit.cause),
    ...(clause.mend === undefined ? {} : { mend: clause.mend })
  } satisfies Verdict
})

/** A clause for a framework, whose failure reads as a sentence and says what to mend. */
const told = <R, E, Capability extends string>(
  clause: Clause<R, E, Capability>,
  subject: Subject<R, E, Capability>
): Effect.Effect<void, BrokenPromise> =>
  keep(clause, subject).pipe(
    Effect.catchAllCause((cause) => new BrokenPromise({ detail: sentence(explain(cause), clause.mend), cause }))
  )

/** What was found, and what to do about it. */
const sentence = (why: string, mend: string | undefined) => mend === undefined ? why : `${why}. To mend it: ${mend}`

/** What a test framework has to have: vitest's, jest's and `node:test`'s `describe` and `it` all fit. */
export interface TestFramework {
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: {
    (name: string, body: () => Promise<void>, timeoutMillis?: number): unknown
    readonly skip: (name: string, body: () => Promise<void>) => unknown
  }
}

/** Makes each clause a test. One that is not claimed shows as skipped, with the capability that is missing. */
export const register = <R, E, Capability extends string>(
  framework: TestFramework,
  contract: Contract<R, E, Capability>,
  subject: Subject<R, E, Capability>
): void => {
  framework.describe(`${contract.name} contract: ${subject.name}`, () => {
    for (const clause of contract.clauses) {
      const needs = missing(clause, subject)
      if (needs.length > 0) {
        framework.it.skip(`${clause.name} (not claimed: ${needs.join(", ")})`, () => Promise.resolve())
      } else {
        framework.it(clause.name, () => Effect.runPromise(told(clause, subject)), clause.timeoutMillis)
      }
    }
  })
}

const explain = (cause: Cause.Cause<unknown>): string => {
  const failure = Option.getOrUndefined(Cause.failureOption(cause))
  return failure instanceof Error ? failure.message : Cause.pretty(cause)
}

const show = (value: unknown): string => JSON.stringify(value, plain) ?? "nothing"

const plain = (_: string, value: unknown): unknown => {
  if (typeof value === "bigint") return `${value}n`
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`
  if (value instanceof Map) return [...value]
  if (value instanceof Set) return [...value]
  return value
}
