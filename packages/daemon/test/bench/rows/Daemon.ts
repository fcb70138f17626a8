/**
 * A daemon that watches a mailbox of 50,000 mails, or a messenger's database of a million messages, and ships without
 * delay: how long a message takes from its delivery to the target, and what is done while nothing happens.
 */
import { makeDisk } from "@sealog/adapters/storage/Disk"
import { makeRandom } from "@sealog/adapters/testing/MailGenerator"
import { openVault } from "@sealog/core/backup/Vault"
import { parseSegmentName } from "@sealog/core/format/ObjectName"
import * as Kdf from "@sealog/core/keys/Kdf"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { Effect, Either, Redacted } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { run } from "../../support/Process.ts"
import { keptChats } from "../ChatStore.ts"
import { homeIn, PASSWORD } from "../contenders/Sealog.ts"
import { freshFolder } from "../Folder.ts"
import type { KeptStore } from "../KeptStore.ts"
import { type LiveDaemon, startDaemon } from "../LiveDaemon.ts"
import { keptMailbox } from "../Mailbox.ts"
import { done } from "../Metered.ts"
import { seesRequests, watchRequests } from "../Requests.ts"
import type { Asked, Reading, Row, Scenario } from "../Row.ts"
import { percentileOf } from "../Verdict.ts"

/** Between two deliveries, milliseconds: so long and, by chance, up to as long again. */
const PAUSE_MILLIS = 100

/** Names of rows as they are of the mailbox; those of another store have something before them. */
type Prefix = "" | "chat-"

const measuring = <E>(prefix: Prefix, keptStore: (asked: Asked) => Effect.Effect<KeptStore, E>) =>
  Effect.fn("bench.daemon")(function*(asked: Asked, wanted: ReadonlySet<string>) {
    const store = yield* keptStore(asked)
    const readings = yield* measure(asked, store, new Set([...wanted].map((row) => row.slice(prefix.length))))
    return new Map([...readings].map(([row, reading]) => [prefix + row, reading] as const))
  })

const measure = Effect.fn("bench.daemonAt")(function*(asked: Asked, store: KeptStore, wanted: ReadonlySet<string>) {
  const { deliveries, folder, idleSeconds, say } = asked
  yield* Effect.addFinalizer(() => Effect.sync(store.takeBack))
  const place = yield* freshFolder(join(folder, "work", "daemon"))
  const { environment, initWords, vault } = homeIn({ folder: place, store, kdfMemoryMiB: asked.kdfMemoryMiB })
  for (const words of [initWords, ["sync"]]) yield* done(words, run(words, { environment, folder: place }))
  say("a first backup is there")
  const daemon = yield* startDaemon({ environment, folder: place, words: ["--ship-delay", "0"] })
  yield* daemon.quiet
  const readings = new Map<string, Reading>()
  if (wanted.has("idle-cpu") || wanted.has("idle-requests")) {
    const { requests, share } = yield* idle(daemon, { place, vault, idleSeconds })
    say(`${idleSeconds} s of nothing: ${(100 * share).toFixed(2)} % of a core`)
    const beside = { seconds: String(idleSeconds) }
    readings.set("idle-cpu", { own: [share], beside })
    readings.set("idle-requests", { own: [requests], beside })
  }
  if (wanted.has("live-p50") || wanted.has("live-p95")) {
    const ring = yield* ringOf(vault)
    const millis = yield* latencies({ ...asked, ring, store, vault })
    const [p50, p95] = [percentileOf(millis, 0.5), percentileOf(millis, 0.95)]
    say(`${deliveries} deliveries: p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms`)
    const beside = { deliveries: String(deliveries), least: Math.min(...millis), most: Math.max(...millis) }
    readings.set("live-p50", { own: [p50], beside })
    readings.set("live-p95", { own: [p95], beside })
  }
  yield* daemon.stop
  return readings
})

const idle = Effect.fn("bench.idle")(function*(
  daemon: LiveDaemon,
  { idleSeconds, place, vault }: { readonly place: string; readonly vault: string; readonly idleSeconds: number }
) {
  const sees = seesRequests(place)
  const requests = watchRequests(vault)
  const from = yield* daemon.cpuSeconds
  yield* Effect.sleep(`${idleSeconds} seconds`)
  const share = ((yield* daemon.cpuSeconds) - from) / idleSeconds
  return { share, requests: sees ? requests().length : Number.NaN }
})

const ringOf = Effect.fn("bench.ringOf")(function*(vault: string) {
  const secret = { kind: "password", value: Redacted.make(PASSWORD) } as const
  return (yield* openVault({ storage: yield* makeDisk(vault), subject: vault, secret })).ring
}, Effect.provide(Kdf.layer))

/** Milliseconds from each delivery to the segment that has it, one delivery after another. */
const latencies = Effect.fn("bench.latencies")(function*(
  { deliveries, ring, seed, store, vault }: Asked & {
    readonly ring: KeyRingShape
    readonly store: KeptStore
    readonly vault: string
  }
) {
  const random = makeRandom(seed)
  const segments = yield* watchSegments(join(vault, "log"), ring)
  const millis: Array<number> = []
  for (let number = 0; number < deliveries; number++) {
    segments.expect()
    yield* store.deliver({ count: 1, seed: 2_000 + number })
    const from = performance.now()
    millis.push((yield* segments.next) - from)
    yield* Effect.sleep(`${PAUSE_MILLIS * (1 + random())} millis`)
  }
  return millis
})

/** Tells when shipped segments appear under their names; what compaction puts there, and removes, is none. */
const watchSegments = (folder: string, ring: KeyRingShape) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const known = new Set<string | null>(fs.readdirSync(folder))
        let seen: number | undefined
        let tell = (_at: number): void => {}
        const watcher = fs.watch(folder, (_event, name) => {
          const now = performance.now()
          if (known.has(name)) return
          known.add(name)
          const segment = parseSegmentName(ring, `log/${name}`)
          if (seen !== undefined || Either.isLeft(segment) || segment.right.level > 0) return
          seen = now
          tell(now)
        })
        const expect = (): void => {
          seen = undefined
        }
        const next = Effect.async<number>((resume) => {
          tell = (at) => resume(Effect.succeed(at))
          if (seen !== undefined) tell(seen)
        })
        return { watcher, expect, next }
      }),
      ({ watcher }) => Effect.sync(() => watcher.close())
    ),
    ({ expect, next }) => ({ expect, next })
  )

const live = {
  work: "One mail, delivered to the daemon",
  how: "from its rename into `new` to its object under its name at the target, no ship delay",
  unit: "milliseconds"
} as const

const scenario: Scenario = {
  name: "daemon",
  title: "The daemon at that mailbox",
  sizes: ["mails", "deliveries", "idleSeconds"],
  measure: measuring("", keptMailbox)
}

const chatScenario: Scenario = {
  name: "chat-daemon",
  title: "The daemon at that database",
  sizes: ["chatMessages", "deliveries"],
  measure: measuring("chat-", keptChats)
}

const chat = {
  ...live,
  work: "One message, committed to the database",
  how: "from its commit to its object under its name at the target, no ship delay"
} as const

export const chatDaemonRows: ReadonlyArray<Row> = [
  {
    ...chat,
    name: "chat-live-p95",
    work: `${chat.work}: 95 of 100 within`,
    bounds: { on: "figure", must: 250 },
    scenario: chatScenario
  },
  {
    ...chat,
    name: "chat-live-p50",
    work: `${chat.work}: half within`,
    bounds: { on: "figure" },
    scenario: chatScenario
  }
]

export const daemonRows: ReadonlyArray<Row> = [
  {
    ...live,
    name: "live-p95",
    work: `${live.work}: 95 of 100 within`,
    bounds: { on: "figure", must: 250 },
    scenario
  },
  { ...live, name: "live-p50", work: `${live.work}: half within`, bounds: { on: "figure", goal: 50 }, scenario },
  {
    name: "idle-requests",
    work: "Requests to the target while nothing changes",
    how: "folders listed and objects read or written, by their times of last access",
    unit: "count",
    bounds: { on: "figure", must: 0, goal: 0 },
    scenario
  },
  {
    name: "idle-cpu",
    work: "Processor while nothing changes",
    how: "of one core, a pass over all of the store in every minute and all",
    unit: "share",
    bounds: { on: "figure", must: 0.01 },
    scenario
  }
]
