/**
 * Targets that come to a vault, or go, after it was made. One that comes gets the vault's keys and stands in the
 * configuration from then on; what the journal has is brought there by the next sync, or by the daemon. One that goes is
 * forgotten here; what lies there stays.
 */
import { writeCursor } from "@sealog/core/backup/Shipper"
import type { StorageShape } from "@sealog/core/backup/Storage"
import { copyKeys, VaultError, vaultIdOf } from "@sealog/core/backup/Vault"
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import * as Config from "../Config.ts"
import { EngineFailure } from "../Engine.ts"
import * as Reports from "../Reports.ts"
import { type Spec, SpecError } from "../Spec.ts"
import { Adapters } from "./Adapters.ts"
import { forgetDrills } from "./Drill.ts"
import { openTarget, prepareTarget, withMount } from "./Places.ts"
import type { Session } from "./Session.ts"

/** Makes a place a target. A place that holds this very vault is one again, with all that is there. */
export const addTarget = Effect.fn("Targets.add")(function*(session: Session, spec: Spec) {
  const { journal, ring } = session
  // As it is now: its owner may have changed it since the daemon began.
  const config = yield* Config.load()
  const { openLocal } = yield* Adapters
  if (config.targets.some(({ name }) => name.toLowerCase() === spec.name.toLowerCase())) {
    return yield* new SpecError({ reason: "DuplicateName", role: "target", subject: spec.name, known: [] })
  }
  const twin = config.targets.find((each) => each.spec === spec.spec)
  if (twin !== undefined) {
    return yield* new EngineFailure({ reason: "TargetExists", method: "add", subject: spec.spec, detail: twin.name })
  }
  const before = yield* Effect.catchIf(
    vaultAt(yield* openTarget(spec), spec),
    // A folder that is not there yet is made now; a place that is away says so then.
    (error) => error._tag === "StorageError" && error.reason === "Unreachable",
    () => Effect.succeed(undefined)
  )
  if (before !== undefined && Buffer.compare(before, ring.vaultId) !== 0) {
    return yield* new VaultError({ reason: "Exists", method: "add", subject: spec.spec })
  }
  yield* prepareTarget(spec)
  yield* copyKeys(yield* openLocal, yield* openTarget(spec))
  const placed = yield* withMount(spec)
  yield* forget(session, spec.name)
  yield* Config.saveTargets(config, [...config.targets, placed])
  const { size } = yield* journal.head
  return Reports.TargetAddReport.make({
    target: placeOf(spec),
    heldVault: before !== undefined,
    treeSize: size
  })
})

/** Makes a target none; nothing that lies there is touched. */
export const removeTarget = Effect.fn("Targets.remove")(function*(session: Session, name: string) {
  const config = yield* Config.load()
  const found = config.targets.find((each) => each.name === name)
  if (found === undefined) return yield* new EngineFailure({ reason: "UnknownTarget", method: "remove", subject: name })
  const targets = config.targets.filter((each) => each !== found)
  if (targets.length === 0) return yield* new EngineFailure({ reason: "LastTarget", method: "remove", subject: name })
  yield* Effect.uninterruptible(Effect.zipRight(Config.saveTargets(config, targets), forget(session, name)))
  return Reports.TargetRemoveReport.make({ target: placeOf(found), targets: targets.map(placeOf) })
})

/** The id of the vault at a place, if one is there. */
const vaultAt = (storage: StorageShape, { spec }: Spec) =>
  Effect.catchIf(
    vaultIdOf(storage, spec),
    (error) => error._tag === "VaultError" && error.reason === "NotFound",
    () => Effect.succeed(undefined)
  )

/** What is remembered of a target by its name belongs to no other that is called the same. */
const forget = Effect.fn("Targets.forget")(function*(session: Session, name: string) {
  const { journal, pin } = session
  yield* writeCursor(journal, name, { logs: [], objects: 0, bytes: 0 })
  yield* forgetDrills(session, name)
  yield* pin.update(({ targets, ...rest }) => {
    const { [name]: _gone, ...others } = targets
    return { ...rest, targets: others }
  })
})

const placeOf = ({ kind, name, spec }: Spec) => ({ name, kind, spec })
