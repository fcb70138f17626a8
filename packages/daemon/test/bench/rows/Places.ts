/**
 * The same mailbox to the WebDAV servers that people run, each on this machine, and to its disk: what HTTP and another
 * program in between take, and how many requests an increment is.
 */
import {
  type DavServer,
  type DavServerName,
  missingDavServer,
  startDavServer
} from "@sealog/adapters/testing/DavServers"
import { Effect } from "effect"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { bundled } from "../../support/Bundled.ts"
import { homeIn } from "../contenders/Sealog.ts"
import { freshFolder } from "../Folder.ts"
import type { KeptStore } from "../KeptStore.ts"
import { keptMailbox } from "../Mailbox.ts"
import { meteredNode } from "../Metered.ts"
import type { Asked, Reading, Row, Scenario } from "../Row.ts"
import { medianOf } from "../Verdict.ts"

const SERVERS = ["apache", "nginx", "lighttpd", "rclone"] as const
const DISK = "disk"
type Place = DavServerName | typeof DISK

const REQUESTS = "webdav-requests"
/** The one server that tells which requests it answered. */
const TELLING = "apache"
/** Of what is shipped: the rest opens the vault, lists it, and reads where its log ends. */
const OF_SHIPPING = /^[A-Z]+ \/vault\/tmp\/\S/

interface Passed {
  readonly backup: number
  readonly restore: number
  /** What an increment asked the server. */
  readonly requests: ReadonlyArray<string>
}

const measure = Effect.fn("bench.places")(function*(asked: Asked, wanted: ReadonlySet<string>) {
  const { folder, mails, runs, say, seed } = asked
  const store = yield* keptMailbox({ folder, mails, say, seed })
  const isTelling = (server: Place) => server === TELLING && wanted.has(REQUESTS)
  const servers = SERVERS.filter((each) =>
    wanted.has(`${each}-backup`) || wanted.has(`${each}-restore`) || isTelling(each)
  )
  const passed = new Map<Place, Array<Passed>>()
  for (let run = 0; run < runs; run++) {
    for (const place of [DISK, ...servers] as const) {
      const found = yield* Effect.scoped(passOnce(asked, store, place, run))
      say(`${place}: backup ${found.backup.toFixed(2)} s, restore ${found.restore.toFixed(2)} s`)
      passed.set(place, [...(passed.get(place) ?? []), found])
    }
  }
  const figures = (place: Place, of: (each: Passed) => number) => (passed.get(place) ?? []).map(of)
  const readings = new Map<string, Reading>()
  for (const place of servers) {
    for (const step of ["backup", "restore"] as const) {
      const of = (each: Passed) => each[step]
      readings.set(`${place}-${step}`, { own: figures(place, of), peers: { [DISK]: figures(DISK, of) } })
    }
  }
  const asks = passed.get(TELLING) ?? []
  readings.set(REQUESTS, {
    own: asks.map(({ requests }) => requests.filter((each) => OF_SHIPPING.test(each)).length),
    beside: { arrivals: asked.arrivals, "requests in all": medianOf(asks.map(({ requests }) => requests.length)) }
  })
  return readings
})

/** A first backup to a place, mails that come, and a restore from there. */
const passOnce = Effect.fn("bench.passOnce")(function*(asked: Asked, store: KeptStore, place: Place, run: number) {
  const { arrivals, kdfMemoryMiB } = asked
  const folder = yield* freshFolder(join(asked.folder, "work", `place-${run}-${place}`))
  const documents = join(folder, "documents")
  mkdirSync(documents)
  const server: DavServer | undefined = place === DISK ? undefined : yield* startDavServer(place, { documents })
  const spec = server === undefined ? `disk:${join(documents, "vault")}` : `webdav:${server.url}vault/`
  const { environment, initWords } = homeIn({ folder, store, kdfMemoryMiB }, spec)
  const meter = yield* bundled("bench/processes/meter.ts")
  const metered = (words: ReadonlyArray<string>) => meteredNode(words, { environment, meter, folder })
  yield* metered(initWords)
  const backup = yield* metered(["sync"])
  yield* Effect.addFinalizer(() => Effect.sync(store.takeBack))
  yield* store.deliver({ count: arrivals, seed: 1_000 + run })
  const before = (yield* tellingOf(place, server)).length
  yield* metered(["sync"])
  const requests = (yield* tellingOf(place, server)).slice(before)
  const to = join(folder, "restored")
  const restore = yield* metered(["restore", "--from", spec, "--to", to, "--format", "maildir"])
  return { backup: backup.seconds, restore: restore.seconds, requests } satisfies Passed
})

const tellingOf = (place: Place, server: DavServer | undefined): Effect.Effect<ReadonlyArray<string>> =>
  place === TELLING && server !== undefined ? server.requests : Effect.succeed([])

const scenario: Scenario = {
  name: "places",
  title: "The mailbox at WebDAV servers of this machine",
  sizes: ["runs", "mails", "arrivals"],
  lacks: Effect.sync(() => SERVERS.map(missingDavServer).find((missing) => missing !== undefined)),
  measure
}

export const placeRows: ReadonlyArray<Row> = [
  ...SERVERS.flatMap((place): ReadonlyArray<Row> => [
    {
      name: `${place}-backup`,
      work: `First backup to ${place}`,
      how: "`sealog sync`, key derivation and all, against the same to a disk",
      unit: "seconds",
      bounds: place === TELLING ? { on: "ratio", must: 1.3 } : { on: "ratio" },
      scenario
    },
    {
      name: `${place}-restore`,
      work: `Restore from ${place}`,
      how: "`sealog restore --format maildir`, key derivation and all, against the same from a disk",
      unit: "seconds",
      bounds: { on: "ratio" },
      scenario
    }
  ]),
  {
    name: REQUESTS,
    work: "Requests for 100 new mails",
    how: "of what is shipped, as Apache notes them: one PUT, one GET, one MOVE; opening the vault and its log beside",
    unit: "count",
    bounds: { on: "figure", must: 3 },
    scenario
  }
]
