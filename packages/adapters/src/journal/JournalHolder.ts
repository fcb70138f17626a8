/**
 * The file that names who holds a journal, which can be taken by one process at a time and from none that lives. It is
 * given its name by a hard link, which fails where there is one; and a name that a dead process left is replaced only
 * by who has first made the one file that stands for replacing just that. So it holds although many come at once, and
 * although nothing else keeps them apart.
 */
import type { PlatformError } from "@effect/platform/Error"
import { FileSystem } from "@effect/platform/FileSystem"
import { JournalError } from "@sealog/core/backup/Journal"
import { Entropy } from "@sealog/core/keys/Entropy"
import { Effect, Option, Schema } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { codeOf, linkMissing } from "../storage/DiskFiles.ts"
import { toJournalError } from "./LevelDatabase.ts"
import { isAlive, ownMark } from "./ProcessId.ts"

/** The process that holds the journal, if one does; it may be this one. */
export const livingHolder = Effect.fn("JournalHolder.living")(function*(path: string) {
  const claim = Option.flatMap(yield* readClaim(pidPath(path)), decode)
  return Option.isSome(claim) && (yield* isAlive(claim.value)) ? claim : Option.none<Holder>()
})

/**
 * Takes the journal until the scope closes; Locked where another process has it. Tells whether the holder before ended
 * without giving it back.
 */
export const claimJournal = Effect.fn("JournalHolder.claim")(function*(path: string) {
  const fs = yield* FileSystem
  const nonce = Buffer.from((yield* Entropy).bytes(NONCE_BYTES)).toString("hex")
  const mine = encode({ ...(yield* ownMark), nonce })
  const draft = `${pidPath(path)}.${nonce}`
  const wasLeftBehind = yield* Effect.acquireRelease(
    fs.writeFileString(draft, mine, { flag: "wx", mode: 0o600 }).pipe(
      Effect.mapError((cause) => toJournalError("open", cause, draft)),
      Effect.zipRight(take(path, draft)),
      Effect.ensuring(Effect.ignore(fs.remove(draft, { force: true })))
    ),
    () =>
      Effect.flatMap(
        readText(pidPath(path)),
        (text) => Option.contains(text, mine) ? Effect.ignore(fs.remove(pidPath(path), { force: true })) : Effect.void
      )
  )
  yield* sweep(path)
  return { wasLeftBehind }
})

/** Gives the draft the name that counts; whether in the place of another that was left. */
const take = Effect.fn("JournalHolder.take")(function*(path: string, draft: string) {
  const fs = yield* FileSystem
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (yield* named(draft, pidPath(path))) return false
    const left = yield* readClaim(pidPath(path))
    if (Option.isNone(left)) continue
    yield* refuseLiving(path, left.value)
    const replacing = yield* nameReplacement(path, draft, left.value)
    // Nobody else may replace it now; but it may have been replaced before, and swept up after.
    if (!Option.contains(yield* readText(pidPath(path)), left.value)) {
      yield* Effect.ignore(fs.remove(replacing, { force: true }))
      continue
    }
    yield* fs.rename(draft, pidPath(path)).pipe(
      Effect.mapError((cause) => toJournalError("open", cause, pidPath(path)))
    )
    return true
  }
  return yield* new JournalError({ reason: "Locked", method: "open", subject: path })
})

/**
 * Makes the file that stands for replacing what a dead process left; if its maker died too, the one for that. A name
 * tells how far down that is: power cuts can leave the same bytes, zeros say, in `pid` and in the files below it.
 */
const nameReplacement = Effect.fn("JournalHolder.replacement")(function*(path: string, draft: string, left: string) {
  let dead = left
  for (let depth = 0;;) {
    const digest = createHash("sha256").update(`${depth} ${dead}`).digest("hex")
    const file = `${pidPath(path)}.${digest.slice(0, NAME_CHARS)}`
    if (yield* named(draft, file)) return file
    const maker = yield* readClaim(file)
    if (Option.isNone(maker)) continue
    yield* refuseLiving(path, maker.value)
    dead = maker.value
    depth++
  }
})

/** Locked by that process, if it lives. */
const refuseLiving = Effect.fn("JournalHolder.refuseLiving")(function*(path: string, claim: string) {
  const holder = yield* living(claim)
  if (Option.isNone(holder)) return
  return yield* new JournalError({ reason: "Locked", method: "open", subject: path, pid: holder.value.pid })
})

/** Removes what is left of attempts whose processes are gone; none of it counts while the journal is held. */
const sweep = Effect.fn("JournalHolder.sweep")(function*(path: string) {
  const fs = yield* FileSystem
  const names = yield* Effect.orElseSucceed(fs.readDirectory(path), () => [])
  for (const name of names.filter((each) => each.startsWith("pid."))) {
    const text = yield* readClaim(`${path}/${name}`)
    if (Option.isSome(text) && Option.isSome(yield* living(text.value))) continue
    yield* Effect.ignore(fs.remove(`${path}/${name}`, { force: true }))
  }
})

/** A process other than this one that a claim names and that is still there. */
const living = (claim: string): Effect.Effect<Option.Option<Holder>, never, FileSystem> =>
  Option.match(Option.filter(decode(claim), ({ pid }) => pid !== process.pid), {
    onNone: () => Effect.succeed(Option.none()),
    onSome: (holder) => Effect.map(isAlive(holder), (alive) => alive ? Option.some(holder) : Option.none())
  })

/** A claim as it stands; a moment is given to one that is only being written. */
const readClaim = Effect.fn("JournalHolder.read")(function*(file: string) {
  for (let attempt = 1; attempt < WHOLE_ATTEMPTS; attempt++) {
    const text = yield* readText(file)
    if (Option.isNone(text) || Option.isSome(decode(text.value))) return text
    yield* Effect.sleep(WHOLE_MILLIS)
  }
  return yield* readText(file)
})

const readText = (file: string) => Effect.flatMap(FileSystem, (fs) => Effect.option(fs.readFileString(file)))

/** Whether the draft has that name now: not where there is something of that name. */
const named = Effect.fn("JournalHolder.name")(function*(draft: string, to: string) {
  const fs = yield* FileSystem
  return yield* fs.link(draft, to).pipe(
    // Where there are no links, the file is made by itself, and is not whole at once.
    Effect.catchIf(
      isWithoutLinks,
      () =>
        Effect.flatMap(fs.readFileString(draft), (text) => fs.writeFileString(to, text, { flag: "wx", mode: 0o600 }))
    ),
    Effect.as(true),
    Effect.catchIf(isTaken, () => Effect.succeed(false)),
    Effect.mapError((cause) => toJournalError("open", cause, to))
  )
})

const isTaken = (error: PlatformError): boolean => error._tag === "SystemError" && error.reason === "AlreadyExists"
const isWithoutLinks = (error: PlatformError): boolean =>
  error._tag === "SystemError" && linkMissing.has(codeOf(error.cause))

const Holder = Schema.Struct({ pid: Schema.Int, started: Schema.String, nonce: Schema.optional(Schema.String) })
type Holder = typeof Holder.Type
const encode = Schema.encodeSync(Schema.parseJson(Holder))
const decode = Schema.decodeUnknownOption(Schema.parseJson(Holder))

const pidPath = (path: string) => `${path}/pid`

/** Each attempt but the last means that somebody else came or went. */
const ATTEMPTS = 100
/** How long what is no claim may be becoming one. */
const WHOLE_ATTEMPTS = 10
const WHOLE_MILLIS = 20
const NONCE_BYTES = 8
const NAME_CHARS = 32
