/**
 * Makes a vault: keys first, then the home, the recovery code in its owner's hands, the slots at every target, and
 * last the configuration, so that a home half made is no home.
 */
import { FileSystem } from "@effect/platform"
import { createLevelJournal, openLevelJournal } from "@sealog/adapters/journal/Level"
import { makePinFile } from "@sealog/adapters/journal/PinFile"
import { syncFolder } from "@sealog/adapters/journal/SyncFolder"
import { makeDisk, prepareDisk } from "@sealog/adapters/storage/Disk"
import { noPast } from "@sealog/core/backup/Source"
import type { StorageShape } from "@sealog/core/backup/Storage"
import { copyKeys, createVault, holdsVault, VaultError, vaultIdOf } from "@sealog/core/backup/Vault"
import { KDF_DEFAULT } from "@sealog/core/format/Limits"
import { VAULT_FILE } from "@sealog/core/format/VaultFile"
import { generateKeyRing, generateVaultId, KeyRing } from "@sealog/core/keys/KeyRing"
import { makeSlot, type Slot, slotHash } from "@sealog/core/keys/KeySlot"
import { makeNewPassword } from "@sealog/core/keys/Password"
import { requireStrength } from "@sealog/core/keys/PasswordStrength"
import { generateRecoveryCode } from "@sealog/core/keys/RecoveryCode"
import { Effect, Option, Redacted, Stream } from "effect"
import { Buffer } from "node:buffer"
import * as Config from "../Config.ts"
import type { InitOptions } from "../Engine.ts"
import { Home, homeError, prepare, replaceFile } from "../Home.ts"
import * as Reports from "../Reports.ts"
import { Secrets } from "../Secret.ts"
import type { Spec } from "../Spec.ts"
import { HOME_DISK } from "./Adapters.ts"
import { openSource, openTarget, prepareTarget, withMount } from "./Places.ts"

const KIB_PER_MIB = 1_024

export const init = Effect.fn("Engine.init")(function*(options: InitOptions) {
  const home = yield* Home
  const unfinished = yield* refuseTaken()
  // What cannot be read is found out before a password is asked for and anything is made.
  yield* Effect.forEach(options.sources, checkSource)
  yield* Effect.forEach(options.targets, (spec) => checkTarget(spec, unfinished))

  const typed = yield* Effect.flatMap(Secrets, (secrets) => secrets.choose)
  const password = yield* makeNewPassword(Redacted.value(typed))
  yield* requireStrength({ password, allowWeak: options.allowWeakPassword })
  const ring = yield* Effect.flatMap(generateVaultId, generateKeyRing)
  const memoryKiB = options.kdfMemoryMiB === undefined ? KDF_DEFAULT.memoryKiB : options.kdfMemoryMiB * KIB_PER_MIB
  const slots = [yield* makeSlot({ kind: "password", secret: password, ring, params: { ...KDF_DEFAULT, memoryKiB } })]
  if (options.keepRecoveryCode !== undefined) {
    const code = yield* generateRecoveryCode
    slots.push(yield* makeSlot({ kind: "recovery", secret: code, ring }))
    yield* options.keepRecoveryCode(code)
  }

  yield* prepare()
  yield* Effect.forEach(options.targets, prepareTarget)
  if (unfinished !== undefined) {
    for (const spec of options.targets) yield* clearUnfinished(yield* openTarget(spec), unfinished)
  }
  yield* beginInit()
  yield* prepareDisk(home.root, HOME_DISK)
  const local = yield* makeDisk(home.root, HOME_DISK)
  yield* createVault({ storage: local, subject: home.root, vaultId: ring.vaultId, slots })
  const writer = yield* makeJournal(slots).pipe(Effect.provideService(KeyRing, ring))
  for (const spec of options.targets) yield* copyKeys(local, yield* openTarget(spec))
  yield* Config.save({
    vaultId: hex(ring.vaultId),
    shipDelaySeconds: Config.SHIP_DELAY_SECONDS,
    drillEveryHours: Config.DRILL_EVERY_HOURS,
    sources: options.sources,
    targets: yield* Effect.forEach(options.targets, withMount)
  })
  yield* finishInit()
  return Reports.InitReport.make({
    vaultId: hex(ring.vaultId),
    writerId: hex(writer),
    sources: options.sources.map(placeOf),
    targets: options.targets.map(placeOf),
    ...(options.recoveryCodeFile === undefined ? {} : { recoveryCodeFile: options.recoveryCodeFile })
  })
})

/** A store must be there and be of its kind; reading of it stops at the first thing found. */
const checkSource = Effect.fn("Engine.checkSource")(function*(spec: Spec) {
  const source = yield* openSource(spec)
  yield* source.changes(new Map(), noPast).pipe(Stream.take(1), Stream.runDrain)
})

/** A place that is not there yet is made later; one that holds a vault is left alone. */
const checkTarget = Effect.fn("Engine.checkTarget")(function*(spec: Spec, unfinished: Uint8Array | undefined) {
  const storage = yield* openTarget(spec)
  const taken = yield* holdsVault(storage).pipe(
    Effect.catchIf((error) => error.reason === "Unreachable", () => Effect.succeed(false))
  )
  if (!taken || (unfinished !== undefined && (yield* isUnfinished(storage, unfinished)))) return
  return yield* new VaultError({ reason: "Exists", method: "init", subject: spec.spec })
})

/** Whether a place holds the vault that an interrupted init began here, in which nothing can be yet. */
const isUnfinished = Effect.fn("Engine.isUnfinished")(function*(storage: StorageShape, unfinished: Uint8Array) {
  const found = yield* vaultIdOf(storage, "target")
  const first = yield* Stream.runHead(storage.list("log/"))
  return Buffer.compare(found, unfinished) === 0 && Option.isNone(first)
})

/** Takes away the keys that the interrupted init had brought to a place, whether it came to make a vault of it or not. */
const clearUnfinished = Effect.fn("Engine.clearUnfinished")(function*(storage: StorageShape, unfinished: Uint8Array) {
  if (yield* holdsVault(storage)) {
    if (!(yield* isUnfinished(storage, unfinished))) return
    yield* storage.delete(VAULT_FILE)
  } else if (Option.isSome(yield* Stream.runHead(storage.list("log/")))) return
  const slots = yield* Stream.runCollect(storage.list("slots/"))
  yield* Effect.forEach(slots, ({ name }) => storage.delete(name), { discard: true })
})

/** Stands in a home while it is being made: what lies beside it then was never anybody's. */
const UNFINISHED = "init.unfinished"
const MADE_BY_INIT = ["sealog.json", "slots", "journal", "blobs", "head.pin"]

/**
 * A home that holds anything of a vault is left alone, unless an init that was interrupted left it: then the id of
 * the vault it began to make, where it had come so far.
 */
const refuseTaken = Effect.fn("Engine.refuseTaken")(function*() {
  const home = yield* Home
  const fs = yield* FileSystem.FileSystem
  const isThere = (name: string) =>
    Effect.mapError(fs.exists(`${home.root}/${name}`), (cause) => homeError(cause, "init", home.root))
  const configured = yield* isThere("config.toml")
  if (!configured && (yield* isThere(UNFINISHED))) {
    return (yield* isThere(VAULT_FILE)) ? yield* vaultIdOf(yield* makeDisk(home.root, HOME_DISK), home.root) : undefined
  }
  const found = yield* Effect.filter(["sealog.json", "journal"], isThere)
  if (configured || found.length > 0) {
    return yield* new VaultError({ reason: "Exists", method: "init", subject: home.root })
  }
  return undefined
})

/** Marks the home as being made, and clears what an interrupted init left. */
const beginInit = Effect.fn("Engine.beginInit")(function*() {
  const home = yield* Home
  const fs = yield* FileSystem.FileSystem
  yield* replaceFile(`${home.root}/${UNFINISHED}`, "sealog init is making this home\n")
  yield* Effect.forEach(MADE_BY_INIT, (name) => {
    const path = `${home.root}/${name}`
    return Effect.mapError(fs.remove(path, { recursive: true, force: true }), (cause) => homeError(cause, "init", path))
  }, { discard: true })
  yield* prepare()
})

const finishInit = Effect.fn("Engine.finishInit")(function*() {
  const home = yield* Home
  const fs = yield* FileSystem.FileSystem
  const path = `${home.root}/${UNFINISHED}`
  yield* fs.remove(path, { force: true }).pipe(
    Effect.zipRight(syncFolder(fs, home.root)),
    Effect.mapError((cause) => homeError(cause, "init", path))
  )
})

const makeJournal = Effect.fn("Engine.makeJournal")(function*(slots: ReadonlyArray<Slot>) {
  const home = yield* Home
  yield* createLevelJournal({ path: home.journal })
  const journal = yield* openLevelJournal({ path: home.journal })
  const { writer } = yield* journal.identity
  const { root, size } = yield* journal.head
  const pin = yield* makePinFile(home.headPin)
  yield* pin.create({
    epoch: 0,
    slots: slots.map((slot) => slotHash(slot.bytes)),
    journal: { writer, size, root },
    targets: {}
  })
  return writer
}, Effect.scoped)

const placeOf = ({ kind, name, spec }: Spec) => ({ name, kind, spec })

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
