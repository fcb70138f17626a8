/**
 * What every source promises, whatever store it reads. A source's own tests bring a `StoreDriver`, which does to a
 * fresh store what its owner would do; the clauses then look at what the source makes of it.
 */
import { Context, Effect, Fiber, Stream } from "effect"
import { noPast, type SourceError, type SourceShape } from "../backup/Source.ts"
import { BLOCK_BYTES, BLOCK_EVENTS } from "../format/Limits.ts"
import type { Event } from "../message/Event.ts"
import { BrokenPromise, type Clause, type Contract, promise, promiseFailure, promiseSame } from "./Contract.ts"
import { dumped, foldsToDump, makeRecorder, pass, type Recorder, replayed } from "./SourceRecorder.ts"

/** What a store can have done to it. */
export type SourceCapability = "edit" | "remove" | "restore" | "move" | "flag" | "gap" | "odd" | "large" | "file"

type Act = Effect.Effect<void, SourceError>

/** One store of its own, empty but valid, and the hands of its owner. Messages go by number. */
export class StoreDriver extends Context.Tag("@sealog/core/testing/SourceContract/StoreDriver")<StoreDriver, {
  /** Opens the source anew: as after a restart, with nothing but what it remembers. */
  readonly open: Effect.Effect<SourceShape, SourceError>
  /** Puts a message into the store, another for each number. */
  readonly add: (number: number) => Act
  readonly edit: (number: number) => Act
  readonly remove: (number: number) => Act
  /** Puts a removed message back as it was. */
  readonly restore: (number: number) => Act
  readonly move: (number: number) => Act
  readonly flag: (number: number) => Act
  /** Puts something there that cannot be read, where a message would be; and makes it readable. */
  readonly addUnreadable: Act
  readonly makeReadable: Act
  /** Messages whose names and texts try to be misread; how many. */
  readonly addOdd: Effect.Effect<number, SourceError>
  /** A message too long for one event. */
  readonly addLarge: Act
  /** Adds or changes a file that is no message. */
  readonly touchFile: Act
  /** All there is in the store, with names, bytes and times. */
  readonly fingerprint: Effect.Effect<string, SourceError>
  /** Takes the whole store away. */
  readonly unplug: Act
}>() {}

type SourceClause = Clause<StoreDriver, SourceError, SourceCapability>

/** A pass is cut after each of its batches, up to so many. */
const CUTS = 6
const HINT_SECONDS = 10

const given = (numbers: ReadonlyArray<number>) =>
  Effect.gen(function*() {
    const driver = yield* StoreDriver
    yield* Effect.forEach(numbers, driver.add, { discard: true })
    const recorder = makeRecorder(yield* driver.open)
    yield* pass(recorder)
    return { driver, recorder }
  })

const kinds = (events: ReadonlyArray<Event>): ReadonlyArray<string> => events.map(({ kind }) => kind)

/** Whether the last pass is settled: nothing more comes, here or after a restart, and all folds to the store. */
const settled = Effect.fn("SourceContract.settled")(function*(recorder: Recorder) {
  yield* promiseSame(kinds(yield* pass(recorder)), [], "a pass after the last one finds nothing")
  yield* foldsToDump(recorder)
  const { open } = yield* StoreDriver
  yield* promiseSame(kinds(yield* pass({ ...recorder, source: yield* open })), [], "after a restart nothing is new")
})

const added = (events: ReadonlyArray<Event>): ReadonlyArray<string> =>
  events.flatMap((event) => event.kind === "message.added" ? [event.message.key] : [])

const seeing: ReadonlyArray<SourceClause> = [
  {
    name: "gives each message once, and nothing while nothing changes",
    check: Effect.gen(function*() {
      const { driver, recorder } = yield* given([1, 2, 3])
      yield* promiseSame(new Set(added(recorder.events)).size, 3, "three messages have come")
      yield* settled(recorder)
      yield* driver.add(4)
      yield* promiseSame(added(yield* pass(recorder)).length, 1, "only the new one comes")
      yield* settled(recorder)
    })
  },
  {
    name: "loses and repeats nothing when a pass is cut short and repeated",
    check: Effect.gen(function*() {
      const { add, open } = yield* StoreDriver
      yield* Effect.forEach([1, 2, 3, 4, 5], add, { discard: true })
      for (let cut = 0; cut < CUTS; cut++) {
        const recorder = makeRecorder(yield* open)
        yield* pass(recorder, cut)
        yield* pass({ ...recorder, source: yield* open })
        const keys = added(recorder.events)
        yield* promiseSame([keys.length, new Set(keys).size], [5, 5], `cut after ${cut} batches`)
        yield* settled(recorder)
      }
    })
  },
  {
    name: "remembers from its events alone all that keeps it from repeating itself",
    check: Effect.gen(function*() {
      const { recorder } = yield* given([1, 2, 3])
      const rebuilt: Recorder = { ...recorder, source: yield* (yield* StoreDriver).open, state: replayed(recorder) }
      yield* promiseSame(kinds(yield* pass(rebuilt)), [], "with a table made of its events nothing is new")
    })
  },
  {
    name: "keeps its batches within what one block may hold",
    check: Effect.gen(function*() {
      const { recorder } = yield* given([])
      yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (yield* StoreDriver).add, { discard: true })
      const sizes = yield* recorder.source.changes(new Map(), noPast).pipe(
        Stream.tap(({ release }) => Effect.sync(() => release?.())),
        Stream.map(({ drafts }) => ({
          drafts: drafts.length,
          bytes: drafts.reduce((sum, { fact }) => sum + inlineBytes(fact), 0)
        })),
        Stream.runCollect
      )
      for (const { bytes, drafts } of sizes) {
        yield* promise(drafts <= BLOCK_EVENTS && bytes <= BLOCK_BYTES, "a batch fits a block")
      }
    })
  },
  {
    name: "dumps just the messages asked for",
    check: Effect.gen(function*() {
      const { recorder } = yield* given([1, 2, 3])
      const keys = added(recorder.events).slice(0, 2)
      const all = yield* dumped(recorder.source)
      const some = yield* dumped(recorder.source, new Set([...keys, "no such key#"]))
      yield* promiseSame(some, all.filter((item) => keys.some((key) => item.includes(JSON.stringify(key)))), "the two")
    })
  },
  {
    name: "takes texts and names of every kind as they are",
    needs: ["odd"],
    check: Effect.gen(function*() {
      const { driver, recorder } = yield* given([1])
      const count = yield* driver.addOdd
      yield* promiseSame(added(yield* pass(recorder)).length, count, "each has come")
      yield* settled(recorder)
    })
  },
  {
    name: "takes a message too long for an event",
    needs: ["large"],
    check: Effect.gen(function*() {
      const { driver, recorder } = yield* given([1])
      yield* driver.addLarge
      yield* promiseSame(kinds(yield* pass(recorder)), ["message.added"], "it has come")
      yield* settled(recorder)
    })
  },
  {
    name: "takes files that are no messages, and their changes",
    needs: ["file"],
    check: Effect.gen(function*() {
      const { driver, recorder } = yield* given([1])
      yield* driver.touchFile
      yield* promiseSame(kinds(yield* pass(recorder)), ["file.upsert"], "it has come")
      yield* settled(recorder)
      yield* driver.touchFile
      yield* promiseSame(kinds(yield* pass(recorder)), ["file.upsert"], "its change has come")
      yield* settled(recorder)
    })
  }
]

const changing: ReadonlyArray<SourceClause> = [
  change("edit", "tells an edit as one new version", "message.edited"),
  change("remove", "tells a removal as one removal", "message.removed"),
  change("move", "tells a move as the new places of a message, never as a removal", "message.flags"),
  change("flag", "tells a change of flags as one", "message.flags"),
  {
    name: "tells of a message that came back",
    needs: ["remove", "restore"],
    check: Effect.gen(function*() {
      const { driver, recorder } = yield* given([1, 2, 3])
      yield* driver.remove(2)
      yield* pass(recorder)
      yield* driver.restore(2)
      yield* promiseSame(kinds(yield* pass(recorder)), ["message.restored"], "one message is restored")
      yield* settled(recorder)
    })
  },
  {
    name: "names the event that brought the message in whenever it tells a change of it",
    needs: ["remove"],
    check: Effect.gen(function*() {
      const { driver, recorder } = yield* given([1, 2, 3])
      const origins = recorder.events.flatMap((event, index) => event.kind === "message.added" ? [index] : [])
      yield* driver.remove(2)
      const [event] = yield* pass(recorder)
      const origin = event !== undefined && "origin" in event ? event.origin : undefined
      yield* promise(origin !== undefined && origins.includes(origin), "it names its origin")
    })
  }
]

function change(capability: "edit" | "remove" | "move" | "flag", name: string, kind: Event["kind"]): SourceClause {
  return {
    name,
    needs: [capability],
    check: Effect.gen(function*() {
      const { driver, recorder } = yield* given([1, 2, 3])
      yield* driver[capability](2)
      yield* promiseSame(kinds(yield* pass(recorder)), [kind], "one event tells it")
      yield* settled(recorder)
      const rebuilt: Recorder = { ...recorder, source: yield* driver.open, state: replayed(recorder) }
      yield* promiseSame(kinds(yield* pass(rebuilt)), [], "with a table made of its events nothing is new")
    })
  }
}

const failing: ReadonlyArray<SourceClause> = [
  {
    name: "tells once what it cannot read, takes the rest, and tells when it can",
    needs: ["gap"],
    check: Effect.gen(function*() {
      const { driver, recorder } = yield* given([1])
      yield* driver.addUnreadable
      yield* driver.add(2)
      const seen = yield* pass(recorder)
      yield* promiseSame(kinds(seen).filter((kind) => kind === "source.gap").length, 1, "one gap is told")
      yield* promiseSame(added(seen).length, 1, "the rest is taken")
      yield* promiseSame(recorder.source.gaps(recorder.state).length, 1, "the gap is remembered")
      yield* promiseSame(kinds(yield* pass(recorder)), [], "it is told once")
      yield* driver.makeReadable
      const closed = (yield* pass(recorder)).filter((event) => event.kind === "source.gap")
      yield* promiseSame(closed.map((event) => event.closed), [true], "the gap is closed")
      yield* promiseSame(recorder.source.gaps(recorder.state), [], "no gap is left")
      yield* settled(recorder)
    })
  },
  {
    name: "takes a store that is gone for unreachable, not for emptied",
    check: Effect.gen(function*() {
      const { driver, recorder } = yield* given([1, 2])
      yield* driver.unplug
      yield* promiseFailure(pass(recorder), "NotFound", "the store is not found")
      yield* promiseSame(kinds(recorder.events).includes("message.removed"), false, "nothing is removed")
    })
  },
  {
    name: "never writes to the store",
    check: Effect.gen(function*() {
      const { driver, recorder } = yield* given([1, 2, 3])
      const before = yield* driver.fingerprint
      yield* pass(recorder)
      yield* dumped(yield* driver.open)
      yield* pass(makeRecorder(yield* driver.open))
      yield* promiseSame(yield* driver.fingerprint, before, "the store is as it was")
    })
  },
  {
    name: "wakes when something changes",
    timeoutMillis: 30_000,
    check: Effect.gen(function*() {
      const { driver, recorder } = yield* given([1])
      // Whatever comes first tells that the watch stands; what the owner does then must be told again.
      const seen = yield* recorder.source.hints.pipe(
        Stream.mapEffect(() => pass(recorder)),
        Stream.tap(() => added(recorder.events).length === 1 ? driver.add(2) : Effect.void),
        Stream.takeUntil(() => added(recorder.events).length === 2),
        Stream.runDrain,
        Effect.timeoutFail({
          duration: `${HINT_SECONDS} seconds`,
          onTimeout: () => new BrokenPromise({ detail: "a sign comes after a change" })
        }),
        Effect.fork
      )
      yield* Fiber.join(seen)
    })
  }
]

export const sourceContract: Contract<StoreDriver, SourceError, SourceCapability> = {
  name: "Source",
  clauses: [...seeing, ...changing, ...failing]
}

const inlineBytes = (fact: object): number => {
  const message = "message" in fact ? fact.message as { readonly content?: { readonly bytes?: Uint8Array } } : {}
  return message.content?.bytes?.length ?? 0
}
