/**
 * A storage provider that shows an older state of a vault, or leaves objects out: to the machine that ships there,
 * which has pinned what it brought; to a new machine whose owner kept a fingerprint; to one that has a second copy; and
 * to one that has nothing, and must be told so.
 *
 * Verifies: RST-6, RST-8, RST-11
 */
import { eventsOf } from "@sealog/core/format/Block"
import { decodeEvent } from "@sealog/core/format/EventCodec"
import { fingerprintOf } from "@sealog/core/log/Fingerprint"
import type { WriterLog } from "@sealog/core/restore/Fetch"
import type { KnownHead } from "@sealog/core/restore/Open"
import { verify } from "@sealog/core/restore/Verify"
import * as Human from "@sealog/daemon/present/Human"
import { makeStyle } from "@sealog/daemon/present/Style"
import { ago } from "@sealog/daemon/present/Units"
import * as Reports from "@sealog/daemon/Reports"
import { Effect, Either } from "effect"
import {
  fetchOf,
  type Generation,
  makeSmallVault,
  type Objects,
  restored,
  type RestoredOptions,
  type SmallVault
} from "../../faults/SmallVault.ts"
import { randomOf } from "../../faults/Trials.ts"
import * as Samples from "../../support/Samples.ts"
import type { Row } from "../Row.ts"

/** Ships of each vault; two compactions are among them. */
const SHIPS = 40
const VAULT = { segments: SHIPS, blobs: 4 }
const SAY_EVERY = 500

export const rollback: Row = {
  name: "rollback",
  fault: "A vault put back to an older state, or objects left out",
  how:
    "every past state shown to the machine that knows better, to a new one with a fingerprint and to one with a second "
    + "copy: noticed always; to one with neither: it says that freshness is unknown, and the age of the newest event. The "
    + "newest objects, or one in the middle, gone: the range is named, the rest restored",
  unit: "restores",
  trials: { test: 60, release: 3_000 },
  testMillis: 120_000,
  run: ({ say, seed, trials }) =>
    Effect.gen(function*() {
      const failures: Array<string> = []
      const noticed = new Map<string, number>()
      let done = 0
      for (let round = 0; done < trials; round++) {
        const vault = yield* makeSmallVault({ seed: `rollback ${seed} ${round}`, ...VAULT })
        failures.push(...(yield* controls(vault)))
        const random = randomOf(`rollback ${seed} ${round}`)
        // Every past state of a vault in turn, so that a few trials meet states of all ages.
        for (let ship = 0; ship < SHIPS - 1 && done < trials; ship++) {
          const generation = vault.generations[(ship * STRIDE) % (SHIPS - 1)]!
          for (const [who, notices] of Object.entries(scenarios)) {
            const wrong = yield* notices({ vault, generation, random })
            if (wrong === undefined) noticed.set(who, (noticed.get(who) ?? 0) + 1)
            else failures.push(`${who}, vault ${round}, event ${generation.head.size}: ${wrong} (seed ${seed})`)
            if (++done % SAY_EVERY === 0) say(`${done} of ${trials} restores`)
          }
        }
      }
      return { trials: done, failures, measured: Object.fromEntries(noticed) }
    })
}

/** When whoever restores looks at the clock, milliseconds. */
const NOW = 1_800_000_000_000

/** Prime to the number of past states. */
const STRIDE = 17

interface Showing {
  readonly vault: SmallVault
  /** What is shown instead of what there is. */
  readonly generation: Generation
  readonly random: () => number
}

/** Who is shown it, and how they are wrong about it; nothing where they are not. */
const scenarios: Readonly<Record<string, (showing: Showing) => Effect.Effect<string | undefined, unknown>>> = {
  "noticed by the pin": ({ generation, vault }) => noticedByPin(vault, generation.objects, generation.head.size),

  "noticed by the fingerprint": ({ generation, vault }) =>
    Effect.map(
      restored(generation.objects, vault.ring, { fingerprint: fingerprintIn(vault) }),
      ({ outcome }) => isRolledBack(outcome) ? undefined : "a fingerprint did not tell that it is older"
    ),

  "noticed by a second copy": ({ generation, random, vault }) =>
    Effect.gen(function*() {
      const copies = [generation.objects, vault.objects] as const
      const [first, second] = random() < 0.5 ? copies : copies.toReversed() as [Objects, Objects]
      const { given, outcome } = yield* restored(first, vault.ring, { beside: second })
      if (Either.isLeft(outcome)) return outcome.left.message
      if (given.join("\n") !== vault.messages.join("\n")) return "not all that the newer copy has was restored"
      const { lagging } = yield* fetchOf(vault.ring, first, second)
      const lacks = headOf(vault).size - generation.head.size
      const named = lagging.length === 1 && lagging[0]!.events === lacks
        && lagging[0]!.place === `place ${first === generation.objects ? 0 : 1}`
      return named ? undefined : "the older copy is not named"
    }),

  "told that freshness is unknown": ({ generation, vault }) =>
    Effect.map(restored(generation.objects, vault.ring), ({ outcome }) => {
      if (Either.isLeft(outcome)) return outcome.left.message
      const { freshness, newestAt } = outcome.right
      if (freshness.state !== "unknown" || freshness.by.length > 0) return `freshness is ${freshness.state}`
      if (newestAt !== generation.newestAt) return `the newest event is not of ${newestAt}`
      const age = `its newest event is from ${ago(Reports.time(newestAt), NOW)}`
      const shown = { ...Samples.restore, freshness: { ...freshness, newestEventAt: Reports.time(newestAt) } }
      const said = Human.restore(shown, { style: makeStyle(false), nowMillis: NOW })
      return said.includes("Freshness is not known") && said.includes(age) ? undefined : "it is not said"
    }),

  "newest objects gone, noticed": ({ random, vault }) =>
    Effect.gen(function*() {
      const { segments } = yield* logOf(vault, vault.objects)
      const kept = segments.slice(0, segments.length - 1 - Math.floor(random() * 4))
      const objects = new Map(vault.objects)
      for (const { object } of segments.slice(kept.length)) objects.delete(object)
      return yield* noticedByPin(vault, objects, kept.at(-1)!.last + 1)
    }),

  "one object gone, named, the rest restored": ({ random, vault }) =>
    Effect.gen(function*() {
      const { segments } = yield* logOf(vault, vault.objects)
      const lost = segments[Math.floor(random() * (segments.length - 1))]!
      const objects = new Map(vault.objects)
      objects.delete(lost.object)
      const found = yield* findingsOf(vault, objects)
      const gap = `Gap ${lost.first} to ${lost.last}`
      for (const said of found) if (said !== gap) return `verify says ${said}, not ${gap}`
      const strict = yield* restored(objects, vault.ring)
      if (Either.isRight(strict.outcome)) return "it was restored as if nothing were missing"
      const partial = yield* restored(objects, vault.ring, { partial: true })
      const rest = yield* messagesOutside(vault, lost.object)
      return partial.given.join("\n") === rest.join("\n") ? undefined : "the rest was not restored, or more than it"
    })
}

/** Restored and verified by the machine that pinned the newest head. */
const noticedByPin = Effect.fn("Rollback.noticedByPin")(function*(vault: SmallVault, objects: Objects, size: number) {
  const pinned = pinOf(vault)
  const { outcome } = yield* restored(objects, vault.ring, { pinned })
  if (!isRolledBack(outcome)) return "a restore by the machine that pinned it did not notice"
  const rolledBack = `RolledBack ${size} to ${headOf(vault).size - 1}`
  for (const said of yield* findingsOf(vault, objects, pinned)) {
    if (said !== rolledBack) return `verify says ${said}, not ${rolledBack}`
  }
  return undefined
})

/** What `verify` says, by names and trailers and by all bytes. */
const findingsOf = Effect.fn("Rollback.findingsOf")(function*(
  vault: SmallVault,
  objects: Objects,
  pinned: ReadonlyMap<string, ReadonlyArray<KnownHead>> = new Map()
) {
  const fetch = yield* fetchOf(vault.ring, objects)
  const said: Array<string> = []
  for (const depth of ["names", "data"] as const) {
    const logs = yield* verify(fetch, depth, pinned)
    said.push(
      logs.flatMap(({ findings }) => findings).map(({ first, last, reason }) => `${reason} ${first} to ${last}`).join(
        "; "
      )
    )
  }
  return said
})

/** What a restore of the vault as it is gives, without the messages added in one of its objects. */
const messagesOutside = Effect.fn("Rollback.messagesOutside")(function*(vault: SmallVault, object: string) {
  const fetch = yield* fetchOf(vault.ring, vault.objects)
  const info = fetch.writers[0]!.segments.find((each) => each.object === object)!
  const { runs } = yield* fetch.segment(info)
  const events = yield* eventsOf({ first: info.first, count: info.last - info.first + 1, runs, blobs: [] })
  const keys = new Set(
    events.map(decodeEvent).flatMap((event) => event.kind === "message.added" ? [event.message.key] : [])
  )
  return vault.messages.filter((message) => !keys.has((JSON.parse(message) as ReadonlyArray<string>)[1]!))
})

const logOf = (vault: SmallVault, objects: Objects): Effect.Effect<WriterLog, unknown> =>
  Effect.map(fetchOf(vault.ring, objects), (fetch) => fetch.writers[0]!)

const headOf = ({ generations }: SmallVault) => generations.at(-1)!.head

const pinOf = (vault: SmallVault): ReadonlyMap<string, ReadonlyArray<KnownHead>> => {
  const { root, size, writer } = headOf(vault)
  return new Map([[Buffer.from(writer).toString("hex"), [{ size, root, from: "pin" }]]])
}

const fingerprintIn = (vault: SmallVault) => {
  const { root, size, writer } = headOf(vault)
  return fingerprintOf({ vaultId: vault.ring.vaultId, epoch: vault.ring.newest, writer, head: { size, root } })
}

const isRolledBack = (outcome: Either.Either<unknown, { readonly _tag: string }>): boolean =>
  Either.isLeft(outcome) && outcome.left._tag === "RestoreError"
  && (outcome.left as unknown as { readonly reason: string }).reason === "RolledBack"

/** The newest state raises no alarm with whoever knows it, and whoever knows nothing of it does not notice an older one. */
const controls = Effect.fn("Rollback.controls")(function*(vault: SmallVault) {
  const failures: Array<string> = []
  const known: ReadonlyArray<RestoredOptions> = [{ pinned: pinOf(vault) }, { fingerprint: fingerprintIn(vault) }]
  for (const options of known) {
    const { outcome } = yield* restored(vault.objects, vault.ring, options)
    const state = Either.isRight(outcome) ? outcome.right.freshness.state : outcome.left.message
    if (state !== "proven") failures.push(`the newest state is ${state} to who knows it`)
  }
  const { outcome } = yield* restored(vault.generations[0]!.objects, vault.ring)
  if (isRolledBack(outcome)) failures.push("an older state is noticed by who knows no newer one")
  return failures
})
