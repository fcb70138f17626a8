/** Checks vaults where they lie: every configured target, one of them, or a place by SPEC. */
import type { StorageError } from "@sealog/core/backup/Storage"
import { openVault, VaultError } from "@sealog/core/backup/Vault"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { makeFetch } from "@sealog/core/restore/Fetch"
import { type VerifiedLog, verify as verifyVault, type VerifyDepth } from "@sealog/core/restore/Verify"
import { Array as Arr, Clock, DateTime, Effect, Either } from "effect"
import * as Config from "../Config.ts"
import { type At, EngineFailure, type VerifyOptions } from "../Engine.ts"
import { Home } from "../Home.ts"
import type { PackageError } from "../Package.ts"
import * as Reports from "../Reports.ts"
import type { Spec } from "../Spec.ts"
import { Adapters } from "./Adapters.ts"
import { findingOf } from "./Findings.ts"
import { problemOf } from "./Pass.ts"
import { pinnedHeads } from "./Pins.ts"
import { openTarget } from "./Places.ts"
import { askSecret } from "./Session.ts"
import { treeOf } from "./Vault.ts"

export const verify = Effect.fn("Engine.verify")(function*(options: VerifyOptions) {
  const began = yield* Clock.currentTimeMillis
  const specs = yield* specsAt(options)
  const ring = yield* unlockAt(options, specs)
  const depth = yield* depthOf(options)
  const findings: Array<Reports.Finding> = []
  const verifyOne = Effect.fnUntraced(
    function*(spec: Spec) {
      const storage = yield* openTarget(spec)
      const fetch = yield* makeFetch([{ name: spec.name, storage }], ring)
      const pinned = yield* pinnedHeads(ring, [spec])
      const logs = yield* verifyVault(fetch, depth, pinned)
      const found = logs.flatMap((log) => log.findings)
      findings.push(...found.map((finding) => findingOf(finding, spec.name)))
      findings.push(
        ...fetch.foreign.filter(({ problem }) => problem.reason === "Unauthentic").map(({ object, problem }) => ({
          reason: "Unauthentic",
          message: problem.message,
          target: spec.name,
          object
        }))
      )
      const behind = found.some(({ reason }) => reason === "RolledBack" || reason === "Contradiction")
      const { bytes, objects } = fetch.counts()
      return {
        name: spec.name,
        kind: spec.kind,
        ...treeOf(logs),
        objects: fetch.writers.reduce((sum, log) => sum + log.segments.length, 0),
        objectsRead: objects,
        bytesRead: bytes,
        freshness: {
          state: behind ? "behind" as const : pinned.size > 0 ? "proven" as const : "unknown" as const,
          by: pinned.size > 0 ? ["pin" as const] : [],
          newestEventAt: newestOf(logs)
        }
      }
    }
  )
  const tried = yield* Effect.forEach(specs, (spec) =>
    Effect.map(verifyOne(spec), Either.right).pipe(
      Effect.catchIf(isAway, (error) => Effect.succeed(Either.left(error)))
    ))
  const [away, targets] = Arr.separate(tried)
  if (targets.length === 0 && away[0] !== undefined) return yield* away[0]
  const ended = yield* Clock.currentTimeMillis
  return Reports.VerifyReport.make({
    targets,
    depth: typeof depth === "string" ? depth : "sample",
    findings,
    warnings: away.map(problemOf),
    seconds: (ended - began) / 1_000
  })
})

/** The place itself does not answer, or does not let us in: this says nothing about what the other places hold. */
const isAway = (error: { readonly _tag: string; readonly reason?: string }): error is StorageError | PackageError =>
  error._tag === "PackageError"
  || (error._tag === "StorageError" && AWAY.has((error as StorageError).reason))

const AWAY: ReadonlySet<StorageError["reason"]> = new Set(["Unreachable", "Denied", "Throttled"])

const newestOf = (logs: ReadonlyArray<VerifiedLog>): string | null => {
  const times = logs.flatMap(({ newestAt }) => newestAt === undefined ? [] : [newestAt])
  return times.length === 0 ? null : Reports.time(Math.max(...times))
}

/** The places that a command is about. */
const specsAt = Effect.fn("Engine.specsAt")(function*(at: At): Effect.fn.Return<
  ReadonlyArray<Spec>,
  Effect.Effect.Error<ReturnType<typeof Config.load>> | EngineFailure,
  Effect.Effect.Context<ReturnType<typeof Config.load>>
> {
  if (at.from !== undefined) return [at.from]
  const { targets } = yield* Config.load()
  if (at.target === undefined) return targets
  const named = targets.filter(({ name }) => name === at.target)
  if (named.length === 0) {
    return yield* new EngineFailure({ reason: "UnknownTarget", method: "open", subject: at.target })
  }
  return named
})

/** A place by SPEC is opened by its own slots, a configured target by the home's: no reader need trust a target's. */
const unlockAt = Effect.fn("Engine.unlockAt")(function*(at: At, specs: ReadonlyArray<Spec>) {
  const home = yield* Home
  const { openLocal } = yield* Adapters
  const first = specs[0]
  if (first === undefined) {
    return yield* new VaultError({ reason: "NotFound", method: "open", subject: "no place was named" })
  }
  const storage = at.from === undefined ? yield* openLocal : yield* openTarget(first)
  const { secret } = yield* askSecret()
  const opened: { readonly ring: KeyRingShape } = yield* openVault({
    storage,
    subject: at.from === undefined ? home.root : first.spec,
    secret
  })
  return opened.ring
})

const depthOf = Effect.fn("Engine.depthOf")(function*({ depth }: VerifyOptions) {
  if (typeof depth === "string") return depth
  const now = yield* DateTime.now
  return { share: depth.samplePercent / 100, seed: DateTime.formatIso(now) } satisfies VerifyDepth
})
