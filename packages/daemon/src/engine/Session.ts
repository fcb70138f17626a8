/**
 * A home opened with its key: the journal held, sources and targets at hand. What `sync`, `run`, `drill`, `log` and
 * `fingerprint` stand on; everything in it is closed with its scope.
 */
import { FileSystem } from "@effect/platform"
import { type BackupShape, makeBackup } from "@sealog/core/backup/Backup"
import * as Capture from "@sealog/core/backup/Capture"
import { HeadPin } from "@sealog/core/backup/HeadPin"
import { Journal, type JournalShape } from "@sealog/core/backup/Journal"
import type { Target } from "@sealog/core/backup/Shipper"
import type { SourceShape } from "@sealog/core/backup/Source"
import { LocalObjects, openVault, type Secret } from "@sealog/core/backup/Vault"
import { Compressor } from "@sealog/core/format/Compressor"
import { Entropy } from "@sealog/core/keys/Entropy"
import { KeyRing, type KeyRingShape } from "@sealog/core/keys/KeyRing"
import { type Context, Effect, Ref } from "effect"
import { Buffer } from "node:buffer"
import * as Config from "../Config.ts"
import { EngineFailure } from "../Engine.ts"
import type { KnownError } from "../Failure.ts"
import { Home } from "../Home.ts"
import type { Problem } from "../Reports.ts"
import { type Credential, Secrets } from "../Secret.ts"
import { Adapters } from "./Adapters.ts"
import { healedBefore, openHome } from "./Heal.ts"
import type { Counted } from "./Ledgers.ts"
import { attendSource, attendTarget } from "./Places.ts"

export interface Session {
  readonly config: Config.Config
  readonly ring: KeyRingShape
  readonly openedWith: Credential["_tag"]
  readonly journal: JournalShape
  readonly capture: Context.Tag.Service<typeof Capture.Capture>
  readonly backup: BackupShape
  readonly pin: Context.Tag.Service<typeof HeadPin>
  /** SHA-256 of every key slot of this home. */
  readonly slots: ReadonlyArray<Uint8Array>
  /** What was last counted of each source that can be counted. */
  readonly ledgers: Ref.Ref<ReadonlyMap<string, Counted>>
  /** What was found out about the journal and the pin: at this opening, and for as long as a damaged one is kept. */
  readonly warnings: Effect.Effect<ReadonlyArray<Problem>, KnownError>
}

/** The keys of this home's vault, which a session leaves to the next. */
export type Unlocked = Pick<Session, "ring" | "openedWith" | "slots">

/**
 * Opens this home: asks for the key unless it has it from a session before, takes the journal's lock. A damaged journal
 * is healed only for those who bring things up to date; who only asks is told.
 */
export const openSession = Effect.fn("Session.open")(function*(
  options: { readonly mayHeal?: boolean; readonly unlocked?: Unlocked } = {}
) {
  const config = yield* Config.load()
  const home = yield* Home
  const entropy = yield* Entropy
  const { compressor, openJournal, openLocal, openWorkshop } = yield* Adapters
  const unlocked = options.unlocked ?? (yield* unlock(config.vaultId))
  const { openedWith, ring, slots } = unlocked
  const local = yield* openLocal
  const keys = Effect.provideService(KeyRing, ring)
  const sources = yield* Effect.forEach(config.sources, attendSource)
  const targets = yield* Effect.forEach(
    config.targets,
    (spec) => Effect.map(attendTarget(spec), (storage): Target => ({ name: spec.name, storage }))
  )
  const { journal, pin, warnings: found } = yield* openHome(
    {
      openJournal,
      openWorkshop,
      pinPath: home.headPin,
      ring,
      sources,
      targets,
      local,
      slots
    },
    options.mayHeal === true
  )
  const opened = Effect.gen(function*() {
    const capture = yield* Capture.make
    const backup = yield* makeBackup({ sources, targets }).pipe(Effect.provideService(Capture.Capture, capture))
    return { capture, backup }
  }).pipe(
    Effect.provideService(Journal, journal),
    Effect.provideService(LocalObjects, local),
    Effect.provideService(HeadPin, pin),
    Effect.provideService(Entropy, entropy),
    Effect.provideService(Compressor, compressor),
    keys
  )
  const fs = yield* FileSystem.FileSystem
  const warnings = Effect.map(healedBefore(fs, home.journal), (healed) => [...found, ...healed])
  const ledgers = yield* Ref.make<ReadonlyMap<string, Counted>>(new Map())
  return { config, ring, openedWith, slots, journal, pin, ledgers, warnings, ...(yield* opened) } satisfies Session
})

/** The key ring of this home's vault, from the slots kept here. */
const unlock = Effect.fn("Session.unlock")(function*(vaultId: string) {
  const home = yield* Home
  const { openedWith, secret } = yield* askSecret()
  const storage = yield* Effect.flatMap(Adapters, (adapters) => adapters.openLocal)
  const { ring, slots } = yield* openVault({ storage, subject: home.root, secret })
  if (Buffer.from(ring.vaultId).toString("hex") !== vaultId) {
    return yield* new EngineFailure({
      reason: "NotVerified",
      method: "unlock",
      subject: home.config,
      detail: "it names another vault"
    })
  }
  return { ring, openedWith, slots: slots.map(({ sha256 }) => sha256) } satisfies Unlocked
})

/** What the person has to open a vault, in the vault's own terms. */
export const askSecret = Effect.fn("Session.askSecret")(function*() {
  const credential = yield* Effect.flatMap(Secrets, (secrets) => secrets.unlock)
  const secret: Secret = credential._tag === "password"
    ? { kind: "password", value: credential.password }
    : { kind: "recovery", value: credential.code }
  return { openedWith: credential._tag, secret }
})

/** A source or target by its name in the configuration. */
const specOf = (session: Session, kind: "sources" | "targets", name: string) =>
  session.config[kind].find((spec) => spec.name === name)

export const kindOf = (session: Session, kind: "sources" | "targets", each: SourceShape | Target): string =>
  specOf(session, kind, each.name)?.kind ?? ""
