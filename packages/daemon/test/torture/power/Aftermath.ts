/**
 * What must hold of a machine that comes up again after the power was cut: nothing that was acknowledged is lost, there
 * is no hole in the log, what was said to be at the target is proven from there, and one pass makes all of it whole.
 */
import type { JournalError, JournalShape } from "@sealog/core/backup/Journal"
import type { Target } from "@sealog/core/backup/Shipper"
import type { SourceShape } from "@sealog/core/backup/Source"
import { eventsOf } from "@sealog/core/format/Block"
import { decodeEvent } from "@sealog/core/format/EventCodec"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { drill } from "@sealog/core/restore/Drill"
import { makeFetch } from "@sealog/core/restore/Fetch"
import { Cause, Effect, Either, Exit, Stream } from "effect"
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { basename } from "node:path"
import { examine, missingAtTarget, type Shown } from "../../faults/Checker.ts"
import { openPipeline, type Places } from "../../support/Pipeline.ts"

/** What had been acknowledged: the heads of the log, and how much of it the target was said to have. */
type Acknowledged = Pick<Shown, "heads" | "shipped" | "contradictions">

export interface Aftermath {
  readonly places: Places
  readonly ring: KeyRingShape
  readonly shown: Acknowledged
  /** Whether all of the target is compared with journal and store, or what the last pass brought there. */
  readonly whole: boolean
}

/** What is wrong, in words; nothing where all is well. */
export const findingsAfter = Effect.fn("Aftermath.findings")(function*({ places, ring, shown, whole }: Aftermath) {
  const findings: Array<string> = [...shown.contradictions]
  /** Does it and takes down what it finds, or how it fails; whether it could be done. */
  const attempt = <E, R>(what: string, work: Effect.Effect<ReadonlyArray<string> | void, E, R>) =>
    Effect.map(Effect.exit(work), (exit) => {
      if (Exit.isSuccess(exit)) findings.push(...(exit.value ?? []))
      else findings.push(`${what}: ${Cause.prettyErrors(exit.cause).map(String).join("; ")}`)
      return Exit.isSuccess(exit)
    })

  let examined = 0
  yield* attempt(
    "the target",
    Effect.map(atTarget(places, ring, shown), ({ found, size }) => {
      examined = size
      return found
    })
  )
  const opened = Effect.gen(function*() {
    const { backup, journal, source, target } = yield* openPipeline(
      // LevelDB refuses a table whose name a cut took from its folder, though its MANIFEST had come through by then.
      { ...places, ballastBytes: 0, mayHeal: true },
      ring
    )
    yield* attempt("the journal", inJournal(journal, shown))
    const met = yield* attempt(
      "the target is met",
      Effect.gen(function*() {
        const finding = yield* backup.meet(target)
        const missing = yield* backup.missing
        return [
          ...(finding?._tag === "agrees" ? [] : [`the target is found to be ${finding?._tag}`]),
          ...(missing === 0 ? [] : [`${missing} pinned events are missing`])
        ]
      })
    )
    const pass = Effect.zipRight(backup.capture(source), Effect.asVoid(backup.shipTo(target)))
    if (!met || !(yield* attempt("a pass", pass))) return
    const { writer } = yield* journal.identity
    const sizes = whole ? {} : { [Buffer.from(writer).toString("hex")]: examined }
    yield* attempt("a drill", drilled({ journal, source, target }, ring, sizes))
    yield* attempt("the log", againstStore(journal, places))
  })
  yield* attempt("the journal does not open", Effect.scoped(opened))
  return findings
})

/** What the target alone lacks of what was said of it, and how much of the log it has. */
const atTarget = Effect.fn("Aftermath.atTarget")(function*(places: Places, ring: KeyRingShape, shown: Acknowledged) {
  const sizes = [...shown.heads.keys()].filter((size) => size > 0 && size <= shown.shipped)
  const examined = yield* examine(places, ring, sizes)
  const others = sizes.filter((size) => examined.rootAt(size) !== shown.heads.get(size))
  return {
    size: examined.size,
    found: [
      ...missingAtTarget(shown, examined),
      ...others.map((size) => `the target's first ${size} events are not those that were acknowledged`)
    ]
  }
})

/** What the journal lacks of what was acknowledged, and what in it is not right. */
const inJournal = Effect.fn("Aftermath.inJournal")(function*(journal: JournalShape, shown: Acknowledged) {
  const { size } = yield* journal.head
  const found: Array<string> = []
  for (const [acknowledged, root] of shown.heads) {
    if (acknowledged > size) found.push(`${acknowledged} events were acknowledged, ${size} are there`)
    else if (acknowledged > 0 && (yield* rootOf(journal, acknowledged)) !== root) {
      found.push(`the first ${acknowledged} events are not those that were acknowledged`)
    }
  }
  const scrubbed = yield* Stream.runCollect(journal.scrub)
  return [...found, ...[...scrubbed].map(({ error, first, last }) => `events ${first} to ${last}: ${error.message}`)]
})

const rootOf = (journal: JournalShape, size: number): Effect.Effect<string, JournalError> =>
  Effect.map(
    Effect.either(journal.headAt({ size })),
    (head) =>
      Either.match(head, { onLeft: ({ message }) => message, onRight: ({ root }) => Buffer.from(root).toString("hex") })
  )

/** What a drill finds, from these sizes of logs on. */
const drilled = Effect.fn("Aftermath.drill")(function*(
  { journal, source, target }: {
    readonly journal: JournalShape
    readonly source: SourceShape
    readonly target: Target
  },
  ring: KeyRingShape,
  sizes: Readonly<Record<string, number>>
) {
  const { findings, head } = yield* drill({
    fetch: yield* makeFetch([target], ring),
    journal,
    sources: [source],
    mode: "incremental",
    progress: { sizes, round: 0 },
    isCurrent: true,
    settle: () => Effect.succeed(new Set())
  })
  const { root, size } = yield* journal.head
  return [
    ...findings.map(({ reason }) => `a drill after the next pass finds: ${reason}`),
    ...(head.size === size && Buffer.compare(head.root, root) === 0
      ? []
      : [`the target ends at ${head.size} of ${size} events, or with others, after the next pass`])
  ]
})

/** Messages that were added more than once, and whether as many are there as the store has. */
const againstStore = Effect.fn("Aftermath.againstStore")(function*(journal: JournalShape, { mail }: Places) {
  const added = new Map<string, number>()
  const removed = new Set<string>()
  yield* journal.blocks({ from: 0 }).pipe(
    Stream.runForEach((block) =>
      Effect.map(eventsOf(block), (events) => {
        for (const event of events.map(decodeEvent)) {
          if (event.kind === "message.added") added.set(event.message.key, (added.get(event.message.key) ?? 0) + 1)
          if (event.kind === "message.removed") removed.add(event.key)
        }
      })
    )
  )
  const files = fs.readdirSync(mail, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile() && ["cur", "new"].includes(basename(entry.parentPath))).length
  return [
    ...[...added].filter(([, times]) => times > 1).map(([key, times]) => `${key} was added ${times} times`),
    ...(added.size - removed.size === files ? [] : [`${added.size - removed.size} of ${files} messages are recorded`])
  ]
})

/** A question to `aftermathOf.ts`, as a line. */
export const encodeQuestion = ({ home, mail, vault }: Places, shown: Acknowledged, whole: boolean): string =>
  JSON.stringify({ home, mail, vault, whole, ...shown, heads: [...shown.heads] })

export const decodeQuestion = (line: string): Omit<Aftermath, "ring"> => {
  const { contradictions, heads, home, mail, shipped, vault, whole } = JSON.parse(line) as Places & {
    readonly heads: ReadonlyArray<[number, string]>
    readonly shipped: number
    readonly contradictions: Array<string>
    readonly whole: boolean
  }
  return { places: { home, mail, vault }, shown: { heads: new Map(heads), shipped, contradictions }, whole }
}
