/** What the program is at when it is killed: its first import, mails that arrive, a shipment. */
import { deliver } from "@sealog/adapters/testing/MailboxGenerator"
import { Effect, Schedule } from "effect"
import { join } from "node:path"
import { noteStatus } from "../../faults/Checker.ts"
import { deliverLarge } from "../../faults/Deliveries.ts"
import { changes, until } from "../../faults/Lives.ts"
import { IMPORT_MAILS, pick } from "../../faults/Trials.ts"
import type { ControlSocket } from "../../support/ControlSocket.ts"
import { begin, checkWhole, killOnce } from "./Killing.ts"

/** Kills of one machine before it is checked as a whole. */
const KILLS_EACH = 10
/** An import is over after a few writes: then the next machine begins one. */
const KILLS_EACH_IMPORT = 5

/** In its first import: it goes on where it was. */
const killImporting = Effect.fn("Kill.killImporting")(function*(name: string, kills: number) {
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
})

/** While mails arrive: it has each of them once. */
const killCapturing = Effect.fn("Kill.killCapturing")(function*(name: string, kills: number) {
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
})

/** While it ships: the target is a whole vault, as far as it goes. */
const killShipping = Effect.fn("Kill.killShipping")(function*(name: string, kills: number) {
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
})

export const phases = [
  { phase: "import", most: KILLS_EACH_IMPORT, one: killImporting },
  { phase: "live", most: KILLS_EACH, one: killCapturing },
  { phase: "ship", most: KILLS_EACH, one: killShipping }
] as const

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
