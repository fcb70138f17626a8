/**
 * A home that exists twice: cloned with its machine, or put back from an older copy of itself. Both go on, under the same
 * keys and the same writer id, until they meet at the target; then each must have a log of its own, and nothing that
 * either recorded may be lost, or stand where something else stood.
 */
import { makeDisk } from "@sealog/adapters/storage/Disk"
import type { Finding } from "@sealog/core/backup/Reconcile"
import { ship } from "@sealog/core/backup/Shipper"
import { listSegments, openSegment } from "@sealog/core/backup/VaultObjects"
import { eventsOf } from "@sealog/core/format/Block"
import { decodeEvent } from "@sealog/core/format/EventCodec"
import * as Entropy from "@sealog/core/keys/Entropy"
import { makeFetch } from "@sealog/core/restore/Fetch"
import type { Projection } from "@sealog/core/restore/Projection"
import { restore } from "@sealog/core/restore/Restore"
import { Effect, Logger, LogLevel, Ref, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { pick, randomOf } from "../../faults/Trials.ts"
import {
  contentsOf,
  copied,
  deliver,
  freshFolder,
  hex,
  makeRig,
  type OpenRig,
  openRig,
  type Rig,
  ring,
  services
} from "../journal/Rig.ts"
import { Sealed } from "../journal/Sealed.ts"
import type { Outcome, Row, Trials } from "../Row.ts"

export const clone: Row = {
  name: "clone",
  fault: "A home cloned, or put back to an older copy of itself, while both go on",
  how: "seeded mails, passes and ships of both, offline and in turns: no nonce and no salt twice under a key over all "
    + "values ever written, no index of a writer twice with different events at the target, found out before the next ship, "
    + "every mail of both recorded there; what was put back restores to what its store holds",
  unit: "machines",
  trials: { test: 4, release: 500 },
  testMillis: 180_000,
  run: (trials) => runClones(trials)
}

/** What is taken away for the control: randomness of its own for each machine, or the look at the target. */
export type Without = "randomness" | "meeting"

interface Trial {
  readonly random: () => number
  readonly sealed: Sealed
  readonly without: Without | undefined
  readonly counts: { forks: number; takenBack: number; steps: number }
  readonly wrong: Array<string>
}

export const runClones = Effect.fn("Clone.run")(
  function*({ say, seed, trials }: Trials, without?: Without) {
    const failures: Array<string> = []
    const counts = { forks: 0, takenBack: 0, steps: 0 }
    let values = 0
    for (let trial = 0; trial < trials; trial++) {
      const random = randomOf(`clone ${seed} ${trial}`)
      const context: Trial = { random, sealed: new Sealed(), without, counts, wrong: [] }
      yield* Effect.scoped(runTrial(context, trial % 3 === 2 ? "older copy" : "clone"))
      const wrong = [...context.wrong, ...context.sealed.repeats.slice(0, 1).map((repeat) => `came twice: ${repeat}`)]
      if (wrong.length > 0) failures.push(`seed ${seed}, trial ${trial}: ${wrong.join("; ")}`)
      values += context.sealed.size
      if ((trial + 1) % 50 === 0) say(`${trial + 1} of ${trials}, ${failures.length} failures`)
    }
    return {
      trials,
      failures,
      measured: {
        "forks": counts.forks,
        "logs taken back": counts.takenBack,
        "openings": counts.steps,
        "sealed values compared": values
      }
    } satisfies Outcome
  },
  Effect.provide(services),
  Effect.provide(Logger.minimumLogLevel(LogLevel.None))
)

const runTrial = Effect.fn("Clone.trial")(function*(trial: Trial, kind: "clone" | "older copy") {
  const { random } = trial
  const top = yield* freshFolder
  const first = yield* makeRig(top)
  for (let n = 0; n < 2 + Math.floor(random() * 3); n++) yield* work(trial, first, `before${n}`, true)
  let rigs: ReadonlyArray<Rig> = [first]
  if (kind === "clone") {
    rigs = [first, copied(first, join(top, "clone"))]
  } else {
    const backup = copied(first, join(top, "backup"))
    for (let n = 0; n < 1 + Math.floor(random() * 3); n++) {
      change(trial, first)
      yield* work(trial, first, `later${n}`, random() < 0.8)
    }
    // The home goes back, and half of the time the store with it.
    for (const part of random() < 0.5 ? ["home", "mail"] as const : ["home"] as const) {
      fs.rmSync(first[part], { recursive: true })
      fs.cpSync(backup[part], first[part], { recursive: true, preserveTimestamps: true })
    }
  }
  for (let n = 0; n < 5 + Math.floor(random() * 5); n++) {
    const at = Math.floor(random() * rigs.length)
    yield* work(trial, rigs[at]!, `${at}after${n}`, random() < 0.6)
  }
  for (const rig of rigs) yield* work(trial, rig, undefined, true)
  yield* checkTarget(trial, first)
  yield* checkRestore(trial, rigs)
})

/** A mail is deleted, another is read. */
const change = ({ random }: Trial, { mail }: Rig): void => {
  const fresh = fs.readdirSync(join(mail, "new"))
  if (fresh.length < 2) return
  const [gone, read] = [pick(random, fresh), pick(random, fresh)]
  fs.rmSync(join(mail, "new", gone))
  if (read !== gone) fs.renameSync(join(mail, "new", read), join(mail, "cur", `${read}:2,S`))
}

/** Mail comes, and a program starts, looks, records, ships and ends; offline it only records. */
const work = Effect.fn("Clone.work")(function*(trial: Trial, rig: Rig, name: string | undefined, online: boolean) {
  const { random, sealed, without } = trial
  trial.counts.steps++
  if (name !== undefined) {
    const count = 1 + Math.floor(random() * 3)
    deliver(rig, pick(random, ["", ".Work"]), Array.from({ length: count }, (_, at) => `${name}-${at}`))
  }
  const step = Effect.scoped(Effect.gen(function*() {
    const opened = yield* openRig(rig, { mayHeal: true })
    if (online && without !== "meeting") yield* meet(trial, opened, rig)
    yield* opened.backup.capture(opened.source)
    if (online) yield* shipAll(opened, without)
  }))
  // Two machines whose generators stand at the same place, as those of a virtual machine put back do.
  yield* without === "randomness" ? Effect.provide(step, Entropy.layerSeeded("frozen")) : step
  sealed.look(rig)
})

/** What a meeting finds must be what the target holds. */
const meet = Effect.fn("Clone.meet")(function*(trial: Trial, { backup, journal, targets }: OpenRig, rig: Rig) {
  for (const target of targets) {
    const { writer } = yield* journal.identity
    const mine = (yield* contentsOf(journal)).find((log) => log.writer === hex(writer))!.events
    const there = (yield* indicesAt(rig)).get(hex(writer)) ?? new Map<number, ReadonlySet<string>>()
    const expected = expectedTag(mine, there)
    const found: Finding | undefined = yield* backup.meet(target)
    if (found?._tag === "forked") trial.counts.forks++
    if (found?._tag === "extended") trial.counts.takenBack++
    if (expected !== undefined && found?._tag !== expected) {
      trial.wrong.push(`the target has ${expected} the log, and ${found?._tag ?? "nothing"} was found`)
    }
  }
})

const expectedTag = (mine: ReadonlyArray<string>, there: ReadonlyMap<number, ReadonlySet<string>>) => {
  const others = [...there].filter(([index, events]) => [...events].some((event) => event !== mine[index]))
  if (others.length === 0) return undefined
  return others.some(([index]) => index < mine.length) ? "forked" : "extended"
}

const shipAll = Effect.fn("Clone.ship")(function*({ backup, journal, targets }: OpenRig, without: Without | undefined) {
  for (const target of targets) {
    if (without !== "meeting") {
      yield* backup.shipTo(target)
      continue
    }
    const pending = yield* Ref.make<Parameters<typeof ship>[0]["pending"] extends Ref.Ref<infer A> ? A : never>(
      undefined
    )
    const entropy = yield* Entropy.Entropy
    yield* Effect.ignore(ship({ journal, ring, entropy, local: target.storage, target, pending }, () => Effect.void))
  }
})

/** Every event that any object at the target has for each index of each writer. */
const indicesAt = Effect.fn("Clone.indices")(function*(rig: Rig) {
  const found = new Map<string, Map<number, Set<string>>>()
  for (const place of Object.values(rig.targets)) {
    const storage = yield* makeDisk(place)
    const { segments } = yield* listSegments(storage, ring)
    for (const info of segments) {
      const { runs } = yield* openSegment(ring, info, yield* storage.get(info.object))
      const events = yield* eventsOf({ first: info.first, count: info.last - info.first + 1, runs, blobs: [] })
      const log = found.get(hex(info.writer)) ?? new Map<number, Set<string>>()
      found.set(hex(info.writer), log)
      events.forEach((event, at) => log.set(info.first + at, (log.get(info.first + at) ?? new Set()).add(hex(event))))
    }
  }
  return found
})

const checkTarget = Effect.fn("Clone.checkTarget")(function*(trial: Trial, rig: Rig) {
  for (const [writer, log] of yield* indicesAt(rig)) {
    const twice = [...log].filter(([, events]) => events.size > 1).map(([index]) => index)
    if (twice.length > 0) trial.wrong.push(`writer ${writer} used ${twice.length} indices twice, from ${twice[0]} on`)
  }
})

/**
 * The vault is proven whole and holds each mail that any of the machines held. Of one machine, everything in its store is
 * restored, and what it had in the past that was undone; of two that took each other for one, what either last said.
 */
const checkRestore = Effect.fn("Clone.checkRestore")(function*(trial: Trial, rigs: ReadonlyArray<Rig>) {
  const storage = yield* makeDisk(Object.values(rigs[0]!.targets)[0]!)
  const fetch = yield* makeFetch([{ name: "usb", storage }], ring)
  const given = new Set<string>()
  const outcome = yield* Effect.either(
    restore({ fetch, projection: namesOf(given), since: new Map(), pinned: new Map(), partial: false })
  )
  if (outcome._tag === "Left") {
    trial.wrong.push(`the restore was refused: ${outcome.left.message}`)
    return
  }
  const recorded = new Set<string>()
  for (const log of (yield* indicesAt(rigs[0]!)).values()) {
    for (const event of [...log.values()].flatMap((events) => [...events])) {
      const told = decodeEvent(Buffer.from(event, "hex"))
      if (told.kind === "message.added") {
        for (const { name } of told.message.places ?? []) recorded.add(baseOf(name))
      }
    }
  }
  const lost = rigs.flatMap(({ mail }) => mailsIn(mail)).filter((name) => !recorded.has(baseOf(name)))
  if (lost.length > 0) trial.wrong.push(`recorded nowhere: ${lost.slice(0, 3).join(", ")}`)
  if (rigs.length > 1) return
  const missing = mailsIn(rigs[0]!.mail).filter((name) => !given.has(name))
  if (missing.length > 0) trial.wrong.push(`not in the restore: ${missing.slice(0, 3).join(", ")}`)
})

const namesOf = (given: Set<string>): Projection => ({
  folders: () => Effect.void,
  files: () => Effect.succeed([]),
  messages: (messages) =>
    Effect.forEach(messages, ({ after, content }) =>
      Effect.gen(function*() {
        if (content !== undefined) yield* Effect.orDie(Stream.runDrain(content.bytes))
        for (const { name } of after?.message.places ?? []) given.add(name)
      })).pipe(Effect.as([])),
  finish: Effect.sync(() => ({ messages: given.size, written: given.size, removed: 0 }))
})

/** Without its flags. */
const baseOf = (name: string): string => name.replace(/:2,.*/, "")

const mailsIn = (mail: string): ReadonlyArray<string> =>
  ["new", "cur", ".Work/new"].flatMap((folder) =>
    fs.existsSync(join(mail, folder)) ? fs.readdirSync(join(mail, folder)) : []
  )
