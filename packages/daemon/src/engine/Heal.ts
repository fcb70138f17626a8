/**
 * Opens this home's journal, and heals it first where it is damaged: from what is left of it, and from targets. What was
 * done is told in `status` for as long as the damaged journal is kept, which is until its owner removes it.
 */
import { FileSystem } from "@effect/platform"
import { condemnJournal } from "@sealog/adapters/journal/Level"
import { readDamaged } from "@sealog/adapters/journal/LevelDamaged"
import { makePinFile } from "@sealog/adapters/journal/PinFile"
import type { HeadPin, Pin } from "@sealog/core/backup/HeadPin"
import { heal, type Healed } from "@sealog/core/backup/Heal"
import { JournalError, type JournalShape } from "@sealog/core/backup/Journal"
import type { Workshop } from "@sealog/core/backup/Salvage"
import { readCursor, type Target } from "@sealog/core/backup/Shipper"
import type { SourceShape } from "@sealog/core/backup/Source"
import type { StorageShape } from "@sealog/core/backup/Storage"
import { Entropy } from "@sealog/core/keys/Entropy"
import { KeyRing, type KeyRingShape } from "@sealog/core/keys/KeyRing"
import { Clock, type Context, Effect, ExecutionStrategy, Exit, Option, Schema, Scope } from "effect"
import { Buffer } from "node:buffer"
import type { KnownError } from "../Failure.ts"
import { Home } from "../Home.ts"
import type { Problem } from "../Reports.ts"
import * as Reports from "../Reports.ts"

/** What of a home a healing has to do with. */
export interface Patient {
  readonly openJournal: Effect.Effect<JournalShape, JournalError, HomeServices>
  readonly openWorkshop: Effect.Effect<Workshop, JournalError, HomeServices>
  /** The file of the pinned head. */
  readonly pinPath: string
  readonly ring: KeyRingShape
  readonly sources: ReadonlyArray<SourceShape>
  readonly targets: ReadonlyArray<Target>
  readonly local: StorageShape
  /** SHA-256 of every key slot, for a pin that has to be made anew. */
  readonly slots: ReadonlyArray<Uint8Array>
}

type HomeServices = FileSystem.FileSystem | KeyRing | Entropy | Scope.Scope

/** What was found out about the journal and the pin at their opening. */
export interface Opened {
  readonly journal: JournalShape
  readonly pin: Context.Tag.Service<typeof HeadPin>
  readonly warnings: ReadonlyArray<Problem>
}

/** Opens the journal and the pin; with `mayHeal` they are healed first, as far as that is needed and possible. */
export const openHome = Effect.fn("Heal.openHome")(function*(patient: Patient, mayHeal: boolean) {
  const open = openWhole(patient.openJournal)
  const pin = yield* makePinFile(patient.pinPath)
  const journal = yield* mayHeal
    ? Effect.catchIf(open, isDamage, (found) => Effect.zipRight(healJournal(patient, pin, found), open))
    : open
  const warnings = mayHeal ? yield* pinAnew(patient, pin, journal) : []
  return { journal, pin, warnings } satisfies Opened
}, (effect, { ring }) => Effect.provideService(effect, KeyRing, ring))

/** Gives back what a refused opening had taken, the lock above all, before anything else is tried. */
const openWhole = <A, E, R>(open: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const own = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
    return yield* Effect.onError(Scope.extend(open, own), (cause) => Scope.close(own, Exit.failCause(cause)))
  })

/** Whether the journal is not what was written, which another attempt does not change. */
export const isDamage = (error: KnownError): error is JournalError =>
  error._tag === "JournalError" && (error.reason === "Corrupt" || error.reason === "Missing")

/**
 * Fails where this machine is known to have had newer events, after every target that answers was asked for them: to
 * record on would use their indices again, which a target that is away may have.
 */
export const refuseOlder = Effect.fn("Heal.refuseOlder")(
  function*({ journal, pin }: Pick<Opened, "journal" | "pin">): Effect.fn.Return<void, KnownError> {
    const { journal: pinned } = yield* pin.read
    const { writer } = yield* journal.identity
    const { size } = yield* journal.head
    if (Buffer.compare(pinned.writer, writer) !== 0 || pinned.size <= size) return
    const subject = `events ${size} to ${pinned.size - 1} are gone`
    return yield* new JournalError({ reason: "Corrupt", method: "meet", subject })
  }
)

/** Sees to it that damage found in an open journal is healed when it is opened next, by whomever. */
export const condemn = Effect.fn("Heal.condemn")(function*(error: JournalError) {
  const home = yield* Home
  yield* condemnJournal(home.journal, error.subject ?? error.message)
})

const healJournal = Effect.fn("Heal.journal")(
  function*({ local, openWorkshop, ring, sources, targets }: Patient, pinFile: Opened["pin"], found: JournalError) {
    yield* Effect.logWarning(`the journal is damaged (${found.subject ?? found.message}): it is being healed`)
    const workshop = yield* openWorkshop
    const entropy = yield* Entropy
    const pin = yield* knownPin(pinFile)
    const healed = yield* heal({ workshop, ring, entropy, sources, targets, local, pin })
    const account = accountOf(healed, found, yield* Clock.currentTimeMillis)
    const folder = yield* workshop.replace(yield* Effect.orDie(encode(account)))
    yield* Effect.logWarning(wordsFor({ account, folder }).message)
  },
  Effect.scoped
)

/** What is pinned, unless that is gone or damaged too: then nothing outside of the journal is known. */
const knownPin = (pin: Opened["pin"]): Effect.Effect<Pin | undefined, KnownError> =>
  Effect.catchIf(pin.read, isLost, () => Effect.succeed(undefined))

const isLost = (error: { readonly reason: string }): boolean => error.reason === "Missing" || error.reason === "Corrupt"

/** Pins anew what the journal knows, where the pin is gone or damaged. */
const pinAnew = Effect.fn("Heal.pinAnew")(function*(
  { pinPath, ring, slots, targets }: Patient,
  pin: Opened["pin"],
  journal: JournalShape
): Effect.fn.Return<ReadonlyArray<Problem>, KnownError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const lost = yield* Effect.flip(pin.read).pipe(Effect.option)
  if (Option.isNone(lost)) return []
  if (!isLost(lost.value)) return yield* lost.value
  if (lost.value.reason === "Corrupt") {
    const aside = `${pinPath}.damaged-${yield* Clock.currentTimeMillis}`
    yield* Effect.ignoreLogged(fs.rename(pinPath, aside))
  }
  const { writer } = yield* journal.identity
  const { root, size } = yield* journal.head
  const shipped: Record<string, Pin["journal"]> = {}
  for (const { name } of targets) {
    const { logs } = yield* readCursor(journal, name)
    const mine = logs.find((log) => Buffer.compare(log.writer, writer) === 0)
    if (mine !== undefined) shipped[name] = mine
  }
  yield* pin.create({ epoch: ring.newest, slots, journal: { writer, size, root }, targets: shipped })
  return [{
    reason: "PinMadeAnew",
    message: `the pinned head was ${
      lost.value.reason === "Missing" ? "gone" : "damaged"
    } and was made anew from the journal`,
    hint:
      "if you have a fingerprint on paper, compare it: sealog fingerprint; what was known only to the old pin is lost"
  }]
})

/** What was done, as it is kept beside the damaged journal. */
const Account = Schema.Struct({
  found: Schema.String,
  at: Schema.String,
  treeSize: Schema.Int,
  root: Schema.String,
  kept: Schema.Int,
  taken: Schema.Array(Schema.Struct({ first: Schema.Int, last: Schema.Int, from: Schema.String })),
  lost: Schema.Array(Schema.Struct({ first: Schema.Int, last: Schema.Int })),
  forkedAt: Schema.optionalWith(Schema.Int, { exact: true })
})
type Account = typeof Account.Type

const encode = Schema.encode(Schema.parseJson(Account, { space: 2 }))
const decode = Schema.decode(Schema.parseJson(Account))

const accountOf = ({ forkedAt, head, kept, lost, taken }: Healed, found: JournalError, atMillis: number): Account => ({
  found: found.subject ?? found.message,
  at: Reports.time(atMillis),
  treeSize: head.size,
  root: Buffer.from(head.root).toString("hex"),
  kept,
  taken,
  lost,
  ...(forkedAt === undefined ? {} : { forkedAt })
})

/** A warning for each damaged journal that is still kept. */
export const healedBefore = Effect.fn("Heal.before")(function*(fs: FileSystem.FileSystem, path: string) {
  const warnings: Array<Problem> = []
  for (const { account, folder } of yield* readDamaged(fs, path)) {
    // Whatever the owner has made of that file: it is his now.
    const read = yield* Effect.option(decode(account))
    if (Option.isSome(read)) warnings.push(wordsFor({ account: read.value, folder }))
  }
  return warnings
})

const wordsFor = ({ account, folder }: { readonly account: Account; readonly folder: string }): Problem => {
  const { at, found, forkedAt, lost, taken } = account
  const sentences = [
    `the journal was damaged (${found}) and healed at ${at}: ${takenIn(taken)}`,
    ...(lost.length === 0
      ? []
      : [`${rangesOf(lost)} could be had nowhere, and what the stores still have of that was recorded again`]),
    ...(forkedAt === undefined ? [] : [`this machine goes on in a new log from event ${forkedAt} on`])
  ]
  return {
    reason: "JournalHealed",
    message: sentences.join("; "),
    hint: `have this disk looked at; the damaged journal is kept in ${folder}: remove it when you need it no more`
  }
}

const takenIn = (taken: Account["taken"]): string => {
  if (taken.length === 0) return "nothing of it was missing"
  const names = [...new Set(taken.map(({ from }) => from))]
  return `${rangesOf(taken)} ${taken.length === 1 && taken[0]!.first === taken[0]!.last ? "was" : "were"} taken from ${
    names.join(", ")
  }`
}

/** The first few ranges, and how many more there are. */
const rangesOf = (ranges: ReadonlyArray<{ readonly first: number; readonly last: number }>): string => {
  const shown = ranges.slice(0, SHOWN).map(({ first, last }) =>
    first === last ? `event ${first}` : `events ${first} to ${last}`
  )
  return shown.join(", ") + (ranges.length > SHOWN ? ` and ${ranges.length - SHOWN} more ranges` : "")
}

const SHOWN = 3
