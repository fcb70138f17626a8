/**
 * Makes a damaged journal whole again. A new one is built beside it: what is left of the old one, in its gaps what a
 * target has, every root recomputed on the way; all that is derived from events is derived anew. Only then it takes the
 * old one's place, and that is kept.
 *
 * | What can be made whole | then |
 * |---|---|
 * | the log as far as it ever came | it goes on as the log it was |
 * | less, and a target that may have the rest is away | refused: nothing is given up that can still be had |
 * | less, and nobody has the rest | it is left where it is whole, and goes on under a new writer id with all later events that can be read: no index that was ever used is used again |
 */
import { type Context, Effect, Option } from "effect"
import { Buffer } from "node:buffer"
import { attempt } from "../format/Binary.ts"
import { eventsOf } from "../format/Block.ts"
import { decodeEvent } from "../format/EventCodec.ts"
import type { FormatError } from "../format/FormatError.ts"
import type { Entropy } from "../keys/Entropy.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import type { TreeHead } from "../log/TreeHead.ts"
import type { EventOf } from "../message/Event.ts"
import type { Pin } from "./HeadPin.ts"
import { makeRebuilt } from "./HealBuild.ts"
import { type LogPlan, type Lost, openPlace, type Place, planLog } from "./HealPlan.ts"
import { JournalError } from "./Journal.ts"
import type { LogName, Salvage, SalvagedLog, Workshop } from "./Salvage.ts"
import type { Target } from "./Shipper.ts"
import type { SourceShape } from "./Source.ts"
import type { StorageError, StorageShape } from "./Storage.ts"

export interface Healing {
  readonly workshop: Workshop
  readonly ring: KeyRingShape
  readonly entropy: Context.Tag.Service<typeof Entropy>
  readonly sources: ReadonlyArray<SourceShape>
  readonly targets: ReadonlyArray<Target>
  /** The machine's own copy of blobs. */
  readonly local: StorageShape
  /** What is pinned outside of the journal, where that can be read. */
  readonly pin: Pin | undefined
}

/** What was done, for `status` and the log; ranges are inclusive. */
export interface Healed {
  /** Of the log that grows now. */
  readonly writer: Uint8Array
  readonly head: TreeHead
  /** Events that were left, of all logs. */
  readonly kept: number
  readonly taken: ReadonlyArray<{ readonly first: number; readonly last: number; readonly from: string }>
  /** Events that could be had nowhere, as the log counted them that they were in. */
  readonly lost: ReadonlyArray<Lost>
  /** Where the log was left for a new one; nothing where it goes on as it was. */
  readonly forkedAt: number | undefined
}

type HealError = JournalError | StorageError | FormatError

export const heal = Effect.fn("Heal.heal")(function*(healing: Healing): Effect.fn.Return<Healed, HealError> {
  const salvage = yield* healing.workshop.salvage
  const { away, places } = yield* meet(healing)
  const names = yield* namesOf(healing, salvage, places)
  if (names.length === 0) return yield* nothingLeft(away)
  const plans: Array<LogPlan> = []
  for (const name of names) plans.push(yield* planOf(healing, salvage, places, name))
  const isWhole = salvage.isSure && plans.every((plan) => plan.head.size === plan.end)
  if (!isWhole) yield* refuseWhileAway(healing, plans, away)
  const rebuilt = makeRebuilt(healing, { plans, isWhole, sessions: salvage.sessions })
  const heads = yield* healing.workshop.build(rebuilt)
  return {
    writer: rebuilt.logs.at(-1)!.writer,
    head: heads.at(-1)!,
    kept: plans.reduce((sum, { pieces }) => sum + eventsIn(pieces.filter(({ taken }) => taken === undefined)), 0),
    taken: plans.flatMap(takenIn),
    lost: plans.flatMap(({ lost }) => lost),
    forkedAt: isWhole ? undefined : plans.at(-1)!.head.size
  }
})

/** Neighbouring segments of one target are one range. */
const takenIn = ({ pieces }: LogPlan): Healed["taken"] => {
  const ranges: Array<Healed["taken"][number]> = []
  for (const { from, taken, to } of pieces) {
    if (taken === undefined) continue
    const before = ranges.at(-1)
    const { name } = taken.place.target
    if (before?.from === name && before.last === from - 1) ranges.splice(-1, 1, { ...before, last: to - 1 })
    else ranges.push({ first: from, last: to - 1, from: name })
  }
  return ranges
}

/** Lists every target; one that does not answer, or where the vault is not, is away. */
const meet = Effect.fn("Heal.meet")(function*({ ring, targets }: Healing) {
  const places: Array<Place> = []
  const away: Array<Target> = []
  for (const target of targets) {
    const listed = yield* Effect.either(openPlace(target, ring))
    if (listed._tag === "Right") places.push(listed.right)
    else away.push(target)
  }
  return { places, away }
})

/** The logs this machine had, oldest first: as the journal says, or by the links from one to the one before. */
const namesOf = Effect.fn("Heal.names")(function*(
  { pin }: Healing,
  salvage: Salvage,
  places: ReadonlyArray<Place>
): Effect.fn.Return<ReadonlyArray<LogName>, HealError> {
  const newest = salvage.logs.at(-1)?.writer ?? pin?.journal.writer ?? (yield* onlyTip(places))
  if (newest === undefined) return []
  const names: Array<LogName> = [{ writer: newest }]
  while (true) {
    const { writer } = names[0]!
    const link = yield* linkOf(writer, yield* salvage.log(writer), places)
    const told = salvage.logs[salvage.logs.findIndex((log) => same(log.writer, writer)) - 1]
    const before = told?.writer ?? link?.writer
    if (before === undefined || names.some((name) => same(name.writer, before))) return names
    names.unshift({
      writer: before,
      left: told?.left ?? (link !== undefined && same(link.writer, before) ? link : undefined)
    })
  }
})

/** What the first event of a log names as the log before it. */
const linkOf = Effect.fn("Heal.link")(function*(
  writer: Uint8Array,
  log: SalvagedLog | undefined,
  places: ReadonlyArray<Place>
): Effect.fn.Return<EventOf<"log.continues"> | undefined, HealError> {
  const block = log === undefined ? Option.none() : yield* log.block(0)
  let first = Option.isNone(block) ? undefined : (yield* eventsOf(block.value))[0]
  for (const { read, segments } of places) {
    const info = segments.find((each) => each.first === 0 && same(each.writer, writer))
    if (first === undefined && info !== undefined) first = (yield* read(info))?.events[0]
  }
  if (first === undefined) return undefined
  const bytes = first
  const event = yield* attempt(() => decodeEvent(bytes))
  return event.kind === "log.continues" ? event : undefined
})

/** Where nothing on this machine tells whose log it was: the one at the targets that no other goes on from. */
const onlyTip = Effect.fn("Heal.onlyTip")(function*(places: ReadonlyArray<Place>) {
  const writers = new Map(
    places.flatMap(({ segments }) => segments.map(({ writer }) => [Buffer.from(writer).toString("hex"), writer]))
  )
  const tips = new Map(writers)
  for (const writer of writers.values()) {
    const link = yield* linkOf(writer, undefined, places)
    if (link !== undefined) tips.delete(Buffer.from(link.writer).toString("hex"))
  }
  return tips.size === 1 ? [...tips.values()][0] : undefined
})

const planOf = Effect.fn("Heal.planOf")(function*(
  { pin }: Healing,
  salvage: Salvage,
  places: ReadonlyArray<Place>,
  { left, writer }: LogName
) {
  const pinned = pin === undefined ? [] : [pin.journal, ...Object.values(pin.targets)]
  const mine = pinned.filter((head) => same(head.writer, writer) && (left === undefined || head.size <= left.size))
  return yield* planLog({
    writer,
    left,
    log: yield* salvage.log(writer),
    places,
    known: new Map(mine.map(({ root, size }) => [size, root])),
    sizes: mine.map(({ size }) => size)
  })
})

/** What can still be had must not be given up: a target that is away may have it, by what is pinned. */
const refuseWhileAway = Effect.fn("Heal.refuseWhileAway")(function*(
  { pin }: Healing,
  plans: ReadonlyArray<LogPlan>,
  away: ReadonlyArray<Target>
) {
  const place = (writer: Uint8Array) => plans.findIndex((plan) => same(plan.writer, writer))
  for (const plan of plans) {
    if (plan.head.size === plan.end && plan !== plans.at(-1)) continue
    const having = away.filter(({ name }) => {
      const pinned = pin?.targets[name]
      // Without a pin nobody knows what is there; with one, nothing was ever brought to a target that it does not name.
      if (pin === undefined || pinned === undefined) return pin === undefined
      const at = place(pinned.writer)
      return at < 0 || at > place(plan.writer) || (at === place(plan.writer) && pinned.size > plan.head.size)
    })
    if (having.length === 0) continue
    const events = plan.end > plan.head.size
      ? `events ${plan.head.size} to ${plan.end - 1}`
      : `what came behind event ${plan.head.size - 1}`
    const subject = `${events} can be had only from a target that is away: ${having.map(({ name }) => name).join(", ")}`
    return yield* new JournalError({ reason: "Corrupt", method: "heal", subject })
  }
})

const nothingLeft = (away: ReadonlyArray<Target>) =>
  new JournalError({
    reason: "Corrupt",
    method: "heal",
    subject: away.length === 0
      ? "nothing is left of it, and no target has one log of this machine"
      : `nothing is left of it, and these targets are away: ${away.map(({ name }) => name).join(", ")}`
  })

const eventsIn = (pieces: ReadonlyArray<{ readonly from: number; readonly to: number }>): number =>
  pieces.reduce((sum, { from, to }) => sum + to - from, 0)

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
