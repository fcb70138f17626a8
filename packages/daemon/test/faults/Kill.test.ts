/**
 * The real program killed with SIGKILL at signs of what it is doing: in its first import, while mails arrive, while it
 * ships. After each kill it starts at once, what it had shown is there, and nothing is there twice.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { deliver } from "@sealog/adapters/testing/MailboxGenerator"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { Console, Effect, Schedule } from "effect"
import { join } from "node:path"
import type { ControlSocket } from "../support/ControlSocket.ts"
import { differences, fillMaildir, initialise, type Machine, makeMachine, restoreMaildir } from "../support/Machine.ts"
import { doubled, examine, lost, makeShown, missingAtTarget, noteStatus, openRing, type Shown } from "./Checker.ts"
import { deliverLarge } from "./Deliveries.ts"
import { changes, killAfter, type Life, live, type Start, until } from "./Lives.ts"
import { IMPORT_MAILS, KILLS, pick, randomOf } from "./Trials.ts"

/** Kills of one machine before it is checked as a whole. */
const KILLS_EACH = 10
/** An import is over after a few writes: then the next machine begins one. */
const KILLS_EACH_IMPORT = 5
/** Rounds of machines after which the phase has to have been hit often enough. */
const ROUNDS = 5 + KILLS
/** Machines at once of one phase, where one is not enough; the phases are tested side by side. */
const LANES = 2
/** What a start after a kill may cost more than a first one, seconds of work; both derive a key. */
const START_CPU_SECONDS = 2
/** How much longer it may take, seconds and times: others may be at work on this machine. */
const START_SECONDS = 2
const START_TIMES = 3

interface Killed {
  readonly machine: Machine
  readonly ring: KeyRingShape
  readonly shown: Shown
  readonly random: () => number
  /** The first start, and those after a kill. */
  readonly starts: Array<Start>
  /** Kills that fell into the phase they were meant for. */
  hits: number
}

/** A machine that was initialised, with as many mails as it shall begin with. */
const begin = Effect.fn("Kill.begin")(function*(name: string, mails: number) {
  const random = randomOf(name)
  const machine = yield* makeMachine
  yield* fillMaildir(machine, { count: mails, seed: Math.floor(random() * 1e9) })
  yield* initialise(machine)
  const killed: Killed = { machine, ring: yield* openRing(machine), shown: makeShown(), random, starts: [], hits: 0 }
  return killed
})

/** One life up to its kill, and what must hold right after it. */
const killOnce = Effect.fn("Kill.once")(function*(
  { machine, ring, shown, starts }: Killed,
  options: {
    readonly lines: boolean
    readonly delayMillis: number
    readonly sign: (life: Life) => Effect.Effect<unknown>
  }
) {
  yield* Effect.scoped(Effect.gen(function*() {
    const life = yield* live(machine, shown, options)
    starts.push(life.start)
    const ended = yield* killAfter(life, options.sign(life), options.delayMillis)
    assert.strictEqual(ended.signal, "SIGKILL", ended.out + ended.err)
  }))
  assert.deepStrictEqual(missingAtTarget(shown, yield* examine(machine, ring)), [])
})

/** Lets it catch up and tell its whole log, kills it once more, and holds everything against the store. */
const checkWhole = Effect.fn("Kill.checkWhole")(function*({ machine, ring, shown, starts }: Killed, messages: number) {
  const last = makeShown()
  yield* Effect.scoped(Effect.gen(function*() {
    const { daemon, socket, start } = yield* live(machine, last, { lines: true })
    starts.push(start)
    const report = yield* socket.ask("sync", { shipDelaySeconds: 0 })
    assert.deepNestedInclude(report, { "targets[0].state": "current" })
    noteStatus(last, yield* socket.ask("status"))
    yield* until(() => last.lines.size >= Math.max(...last.heads.keys()))
    yield* daemon.kill("SIGKILL")
  }))
  const lines = [...last.lines].toSorted(([a], [b]) => a - b).map(([, line]) => JSON.parse(line))
  const examined = yield* examine(machine, ring, [...shown.heads.keys(), ...last.heads.keys()])
  for (const before of [shown, last]) {
    assert.deepStrictEqual(missingAtTarget(before, examined), [])
    assert.deepStrictEqual(lost(before, { lines, rootAt: examined.rootAt }), [])
  }
  assert.deepStrictEqual(doubled(lines), [])
  assert.strictEqual(lines.filter(({ kind }) => kind === "message.added").length, messages)
  const restored = yield* restoreMaildir(machine, "restored")
  assert.strictEqual(differences(machine.mail, join(restored, "maildir")), "")
})

/** At least so many kills within a phase, over as many machines as that takes. */
const machines = <E, R>(
  phase: string,
  most: number,
  one: (name: string, kills: number) => Effect.Effect<Killed, E, R>
) =>
  Effect.gen(function*() {
    const killed: Array<Killed> = []
    const left = () => KILLS - killed.reduce((sum, { hits }) => sum + hits, 0)
    for (let round = 0; left() > 0; round++) {
      assert.isBelow(round, ROUNDS, `${left()} kills in the phase are missing`)
      const each = Math.min(most, left())
      const lanes = Array.from(
        { length: Math.ceil(left() / each) },
        (_, lane) => one(`${phase} ${round}.${lane}`, each)
      )
      killed.push(...(yield* Effect.all(lanes, { concurrency: LANES })))
    }
    yield* tell(phase, killed)
  })

const tell = Effect.fn("Kill.tell")(function*(phase: string, killed: ReadonlyArray<Killed>) {
  const first = killed.map(({ starts }) => starts[0]!)
  const later = killed.flatMap(({ starts }) => starts.slice(1))
  const clean = Math.min(...first.map(({ seconds }) => seconds))
  const seconds = later.map((start) => start.seconds).toSorted((a, b) => a - b)
  const [median, worst] = [seconds[seconds.length >> 1]!, seconds.at(-1)!]
  const cleanCpu = Math.min(...first.map(({ cpuSeconds }) => cpuSeconds ?? 0))
  const cpu = Math.max(...later.map(({ cpuSeconds }) => cpuSeconds ?? 0))
  yield* Console.log(
    `${phase}: ${killed.reduce((sum, { hits }) => sum + hits, 0)} kills in it, ${later.length} in all. Ready after `
      + `${clean.toFixed(2)} s (work: ${cleanCpu.toFixed(2)} s) where nothing was killed, else after ${
        median.toFixed(2)
      } s `
      + `in the middle and ${worst.toFixed(2)} s at most (work: ${cpu.toFixed(2)} s); all with a key derivation`
  )
  assert.isBelow(cpu - cleanCpu, START_CPU_SECONDS)
  assert.isBelow(median, clean * START_TIMES + START_SECONDS)
})

describe.concurrent("the program, killed", () => {
  /** Verifies: FAULT-1, FAULT-2, FAULT-3 */
  it.scopedLive(
    "in its first import, goes on where it was",
    () =>
      machines("import", KILLS_EACH_IMPORT, (name, kills) =>
        Effect.gen(function*() {
          const killed = yield* begin(name, IMPORT_MAILS)
          const { machine, random, shown } = killed
          const journal = join(machine.home, "journal", "db")
          for (let kill = 0; kill < kills && shown.captured < IMPORT_MAILS; kill++) {
            const imported = until(() => shown.captured >= IMPORT_MAILS)
            // Some while it reads, which leaves all to be done again, some while it writes, which brings it further.
            const writes = kill % 3 === 1
            const sign = writes ? changes([journal], /./, 1 + Math.floor(random() * 8)) : Effect.void
            yield* killOnce(killed, {
              lines: false,
              delayMillis: random() * (writes ? 5 : 250),
              sign: () => Effect.raceFirst(sign, imported)
            })
            if (shown.captured < IMPORT_MAILS) killed.hits++
          }
          yield* checkWhole(killed, IMPORT_MAILS)
          return killed
        })).pipe(Effect.provide(NodeContext.layer)),
    600_000
  )

  /** Verifies: FAULT-1, FAULT-2, FAULT-3 */
  it.scopedLive(
    "while mails arrive, has each of them once",
    () =>
      machines("live", KILLS_EACH, (name, kills) =>
        Effect.gen(function*() {
          const killed = yield* begin(name, 40)
          const { machine, random, shown } = killed
          const journal = join(machine.home, "journal", "db")
          let delivered = 0
          const arrive = (count: number) => {
            delivered += count
            return deliver({ root: machine.mail, seed: Math.floor(random() * 1e9), count })
          }
          for (let kill = 0; kill < kills; kill++) {
            const count = 1 + Math.floor(random() * 3)
            const changed = changes([journal], /log$/, 1 + Math.floor(random() * 3))
            yield* killOnce(killed, {
              lines: true,
              delayMillis: random() * 30,
              sign: () => {
                const known = shown.lines.size
                const line = until(() => shown.lines.size > known)
                return Effect.zipRight(
                  Effect.orDie(arrive(count)),
                  pick(random, [Effect.void, Effect.raceFirst(changed, line), line])
                )
              }
            })
            killed.hits++
          }
          yield* checkWhole(killed, 40 + delivered)
          return killed
        })).pipe(Effect.provide(NodeContext.layer)),
    600_000
  )

  /** Verifies: FAULT-1, FAULT-2, FAULT-3, FAULT-4 */
  it.scopedLive(
    "while it ships, leaves a whole vault at the target",
    () =>
      machines("ship", KILLS_EACH, (name, kills) =>
        Effect.gen(function*() {
          const killed = yield* begin(name, 40)
          const { machine, random, shown } = killed
          let delivered = 0
          for (let kill = 0; kill < kills; kill++) {
            const seed = Math.floor(random() * 1e9)
            const where = pick(random, [
              { folders: ["tmp"].map((folder) => join(machine.vault, folder)), names: /part$/, times: 6 },
              { folders: ["log", "blobs"].map((folder) => join(machine.vault, folder)), names: /./, times: 2 },
              { folders: [machine.home], names: /^(head\.pin|status\.json)/, times: 6 }
            ])
            yield* killOnce(killed, {
              lines: true,
              delayMillis: random() * 10,
              sign: ({ socket }) =>
                Effect.gen(function*() {
                  // Nothing else is under way: what changes now is this shipment.
                  yield* Effect.orDie(socket.ask("sync", { shipDelaySeconds: 0 }))
                  noteStatus(shown, yield* Effect.orDie(socket.ask("status")))
                  const known = shown.captured
                  const sign = yield* Effect.fork(
                    changes(where.folders, where.names, 1 + Math.floor(random() * where.times))
                  )
                  yield* Effect.yieldNow()
                  yield* Effect.orDie(deliver({ root: machine.mail, seed, count: 1 }))
                  deliverLarge(machine.mail, seed)
                  delivered += 2
                  yield* Effect.raceFirst(sign, allShipped(socket, known + 2))
                })
            })
            killed.hits++
          }
          yield* checkWhole(killed, 40 + delivered)
          return killed
        })).pipe(Effect.provide(NodeContext.layer)),
    600_000
  )
})

/** Waits until so many events of the store are recorded and shipped: then no more changes will come. */
const allShipped = (socket: ControlSocket, events: number) =>
  Effect.orDie(Effect.repeat(socket.ask("status"), {
    schedule: Schedule.spaced("10 millis"),
    until: (report) => {
      const { sources, targets } = report as {
        readonly sources: ReadonlyArray<{ readonly events: number }>
        readonly targets: ReadonlyArray<{ readonly behindEvents: number }>
      }
      return sources[0]!.events >= events && targets[0]!.behindEvents === 0
    }
  }))
