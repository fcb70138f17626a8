/**
 * What a person is told when something fails, and the exit code a script sees: one table, with a row for each reason
 * of each error. A reason without a row does not compile; an error that is not here cannot leave an `Engine`.
 */
import type { JournalError, JournalReason } from "@sealog/core/backup/Journal"
import type { SourceError, SourceReason } from "@sealog/core/backup/Source"
import type { StorageError, StorageReason } from "@sealog/core/backup/Storage"
import type { VaultError, VaultReason } from "@sealog/core/backup/Vault"
import type { FormatError, FormatReason } from "@sealog/core/format/FormatError"
import { Cause } from "effect"
import type { ConfigError, ConfigReason } from "./Config.ts"
import type { ControlError, ControlReason, RemoteError } from "./control/Protocol.ts"
import type { EngineFailure, EngineReason } from "./Engine.ts"
import { Exit } from "./Exit.ts"
import type { HomeError, HomeReason } from "./Home.ts"
import type { SecretError, SecretReason } from "./Secret.ts"
import type { SpecError, SpecReason } from "./Spec.ts"
import type { UsageError } from "./Usage.ts"

export type KnownError =
  | ConfigError
  | ControlError
  | EngineFailure
  | FormatError
  | HomeError
  | JournalError
  | RemoteError
  | SecretError
  | SourceError
  | SpecError
  | StorageError
  | UsageError
  | VaultError

export interface Failure {
  readonly exit: number
  /** One word for scripts; it does not change. */
  readonly reason: string
  /** What happened, to what. */
  readonly message: string
  /** What to do next. */
  readonly hint: string
  readonly subject?: string
}

/** One reason: its exit code, its word, and the two sentences. */
type Row<E> = readonly [exit: number, word: string, message: (error: E) => string, hint: string | ((error: E) => string)]
type Table<Reason extends string, E> = { readonly [R in Reason]: Row<E> }

export const failureOf = (error: KnownError): Failure => {
  switch (error._tag) {
    case "ConfigError":
      return render(config, error)
    case "ControlError":
      return render(control, error)
    case "EngineFailure":
      return render(engine, error)
    case "FormatError":
      return render(format, { ...pick(error), subject: error.what })
    case "HomeError":
      return render(home, error)
    case "JournalError":
      return render(journal, error)
    case "RemoteError":
      return {
        exit: error.exit,
        reason: error.reason,
        message: error.said,
        hint: error.hint,
        ...(error.subject === undefined ? {} : { subject: error.subject })
      }
    case "SecretError":
      return render(secret, error)
    case "SourceError":
      return render(source, error)
    case "SpecError":
      return render(spec, error)
    case "StorageError":
      return render(storage, error)
    case "UsageError":
      return { exit: Exit.usage, reason: "Usage", message: error.message, hint: error.hint }
    case "VaultError":
      return render(vault, error)
  }
}

/** What a whole effect ended with: the first named failure, else the bug behind it. */
export const failureOfCause = (cause: Cause.Cause<KnownError>): Failure => {
  const failure = Cause.failureOption(cause)
  if (failure._tag === "Some") return failureOf(failure.value)
  const defect = Cause.squash(cause)
  const said = defect instanceof Error ? `${defect.name}: ${defect.message}` : String(defect)
  return {
    exit: Exit.failed,
    reason: "Bug",
    message: `sealog itself failed: ${said}`,
    hint: "nothing recorded is lost; run it again with --verbose and report what it prints"
  }
}

const render = <Reason extends string, E extends { readonly reason: Reason; readonly subject?: string | undefined }>(
  table: Table<Reason, E>,
  error: E
): Failure => {
  const [exit, reason, message, hint] = table[error.reason]
  return {
    exit,
    reason,
    message: message(error),
    hint: typeof hint === "string" ? hint : hint(error),
    ...(error.subject === undefined ? {} : { subject: error.subject })
  }
}

/** Getters of an error's class do not survive a spread. */
const pick = (error: FormatError) => ({
  reason: error.reason,
  what: error.what,
  ...(error.detail === undefined ? {} : { detail: error.detail })
})

const inBrackets = (detail: string | undefined) => (detail === undefined ? "" : ` (${detail})`)
/** What the system said, in its own word: it is what people search for. */
const because = (error: { readonly cause?: unknown }) => {
  const code = systemCode(error.cause)
  return code === undefined ? "" : ` (${code})`
}

const systemCode = (cause: unknown): string | undefined => {
  if (typeof cause !== "object" || cause === null) return undefined
  if ("code" in cause && typeof cause.code === "string") return cause.code
  return "cause" in cause ? systemCode(cause.cause) : undefined
}

const other = "restore from another target, or with --partial to take what is whole"

const storage: Table<StorageReason, StorageError> = {
  NotFound: [
    Exit.notVerified,
    "ObjectMissing",
    (e) => `${e.subject} is missing (${e.method})`,
    `see what else is: sealog verify; then ${other}`
  ],
  AlreadyExists: [
    Exit.failed,
    "ObjectExists",
    (e) => `${e.subject} is already there and was not overwritten`,
    "check that no other program writes to this place, then run it again"
  ],
  Denied: [
    Exit.unreachable,
    "TargetDenied",
    (e) => `permission was refused at ${e.subject} (${e.method})${because(e)}`,
    "give this user the right to read and write there, then run it again"
  ],
  Unreachable: [
    Exit.unreachable,
    "Unreachable",
    (e) => `${e.subject} cannot be reached (${e.method})${because(e)}`,
    "connect the disk or the network, check the path, then run it again"
  ],
  Full: [
    Exit.noSpace,
    "TargetFull",
    (e) => `there is no space left at ${e.subject}`,
    "free some space there, then run it again; what is recorded is safe in the journal"
  ],
  Throttled: [
    Exit.unreachable,
    "Throttled",
    (e) => `${e.subject} asks to slow down (${e.method})`,
    "wait some minutes, then run it again"
  ],
  Corrupt: [
    Exit.notVerified,
    "ObjectDamaged",
    (e) => `what came back from ${e.subject} is not what was stored (${e.method})`,
    `check the disk; see what is whole: sealog verify --read-data; then ${other}`
  ],
  Unsupported: [
    Exit.failed,
    "TargetUnsupported",
    (e) => `${e.subject}: this place cannot do what is needed (${e.method})`,
    "use another kind of target; docs/adapters.md says what each can do"
  ]
}

const source: Table<SourceReason, SourceError> = {
  NotFound: [
    Exit.sourceUnread,
    "SourceNotFound",
    (e) => `there is no store at ${e.subject}`,
    "check the path; sealog source detect lists the stores on this machine"
  ],
  Denied: [
    Exit.sourceUnread,
    "SourceDenied",
    (e) => `the store ${e.subject} may not be read${because(e)}`,
    "give this user the right to read it, then run it again"
  ],
  Unreadable: [
    Exit.sourceUnread,
    "SourceUnreadable",
    (e) => `the store ${e.subject} could not be read${because(e)}`,
    "check the disk it lies on, then run it again"
  ],
  Unsupported: [
    Exit.sourceUnread,
    "SourceUnsupported",
    (e) => `${e.subject} is not a store of that kind`,
    "check the path and the kind; sealog source detect lists the stores on this machine"
  ],
  Changed: [
    Exit.sourceUnread,
    "SourceChanged",
    (e) => `the store ${e.subject} changed while it was being read`,
    "run it again; nothing that was recorded is lost"
  ]
}

const journal: Table<JournalReason, JournalError> = {
  Missing: [
    Exit.noVault,
    "NoJournal",
    (e) => `the journal of this home is gone, or a file that it needs${inBrackets(e.subject)}`,
    "put the journal folder back, or restore from a target; docs/operating.md says how"
  ],
  Exists: [
    Exit.usage,
    "VaultExists",
    (e) => `this home already holds a vault${inBrackets(e.subject)}`,
    "use another home (--home DIR), or run sealog status to see the one that is there"
  ],
  Locked: [
    Exit.locked,
    "Locked",
    (e) => `another process holds the journal${e.pid === undefined ? "" : `: pid ${e.pid}`}`,
    "wait for it to end, or stop it; while a daemon runs, sync, status, log and drill ask it by themselves"
  ],
  WrongKey: [
    Exit.wrongKey,
    "WrongPassword",
    () => "the password or code does not open this journal",
    "try again; if the password was changed on another machine, use the new one"
  ],
  Corrupt: [
    Exit.notVerified,
    "JournalDamaged",
    (e) => `the journal is damaged${inBrackets(e.subject)}`,
    "what was shipped is whole at the targets: check with sealog verify, and check this disk"
  ],
  Conflict: [
    Exit.failed,
    "JournalConflict",
    () => "the log moved on while this was being recorded",
    "run it again; nothing is lost or doubled"
  ],
  Full: [
    Exit.noSpace,
    "NoSpace",
    (e) => `there is no space left for the journal${inBrackets(e.subject)}`,
    "free some space on the disk that holds the home folder; recording goes on by itself"
  ],
  Io: [
    Exit.failed,
    "JournalIo",
    (e) => `the journal could not be written or read (${e.method})${because(e)}`,
    "check the disk that holds the home folder, then run it again; what was confirmed is safe"
  ],
  Unsupported: [
    Exit.newer,
    "NewerVersion",
    () => "the journal was made by a newer sealog",
    "install the newest release and run it again"
  ]
}

const damaged = (word: string, what: string): Row<{ readonly what: string; readonly detail?: string }> => [
  Exit.notVerified,
  word,
  (e) => `${e.what}: ${what}${inBrackets(e.detail)}`,
  `see what is whole: sealog verify --read-data; then ${other}`
]

const format: Table<FormatReason, { readonly what: string; readonly detail?: string; readonly reason: FormatReason; readonly subject: string }> = {
  Truncated: damaged("Truncated", "the bytes end too early"),
  Malformed: damaged("Malformed", "the bytes are not what sealog writes"),
  Limit: damaged("OverLimit", "a size is over its limit"),
  Unauthentic: damaged("Unauthentic", "it was changed, moved, or sealed under another key"),
  Mismatch: damaged("Mismatch", "it contradicts what it belongs to"),
  Unknown: [
    Exit.newer,
    "NewerVersion",
    (e) => `${e.what}: made by a newer sealog${inBrackets(e.detail)}`,
    "install the newest release and run it again"
  ]
}

const vault: Table<VaultReason, VaultError> = {
  NotFound: [
    Exit.noVault,
    "NoVault",
    (e) => `there is no vault at ${e.subject}`,
    "check the place; sealog init makes a new vault"
  ],
  Exists: [
    Exit.usage,
    "VaultExists",
    (e) => `${e.subject} already holds a vault`,
    "use another place for a new vault; a second machine joins this one with sealog init --join, in a later release"
  ],
  WrongSecret: [
    Exit.wrongKey,
    "WrongPassword",
    (e) => `the password or code does not open the vault at ${e.subject}`,
    "try again, or open it with the recovery code: --recovery-code-file F"
  ],
  NoSlot: [
    Exit.wrongKey,
    "NoKeySlot",
    (e) => `the vault at ${e.subject} has no key of that kind`,
    "open it the other way: with the password, or with --recovery-code-file F"
  ],
  SlotReplaced: [
    Exit.notVerified,
    "SlotReplaced",
    (e) => `a key slot at ${e.subject} was replaced or rolled back: there are objects under a newer key`,
    "do not trust this place until you know why; use another target"
  ],
  OtherVault: [
    Exit.notVerified,
    "OtherVault",
    (e) => `${e.subject} holds another vault than this machine's`,
    "check that the right disk is connected; sealog target list shows where the vault should be"
  ],
  SlotUnreadable: [
    Exit.notVerified,
    "SlotUnreadable",
    (e) => `${e.subject}: a key that was just written did not come back whole`,
    "check the disk or server; nothing was removed, so run it again"
  ]
}

const engine: Table<EngineReason, EngineFailure> = {
  FolderNotEmpty: [
    Exit.usage,
    "FolderNotEmpty",
    (e) => `${e.subject} holds files that no restore wrote`,
    "choose an empty folder, or add --force: it still replaces nothing that sealog did not write"
  ],
  NothingToProject: [
    Exit.usage,
    "NothingToProject",
    (e) => `the vault has no source that can be written as ${e.subject}`,
    "restore with --format jsonl, which holds every kind of source"
  ],
  UnknownFormat: [
    Exit.usage,
    "UnknownFormat",
    (e) => `there is no restore format ${e.subject}${inBrackets(e.detail)}`,
    "use --format jsonl or --format maildir"
  ],
  UnknownTarget: [
    Exit.usage,
    "UnknownTarget",
    (e) => `there is no target named ${e.subject}`,
    "sealog target list shows their names"
  ],
  NotAReceipt: [
    Exit.usage,
    "NotAReceipt",
    (e) => `${e.subject} is not a drill's receipt${inBrackets(e.detail)}`,
    "receipts lie in the receipts folder of the home; sealog drill history lists them"
  ],
  PasswordTooShort: [
    Exit.usage,
    "PasswordTooShort",
    () => "a password needs at least 8 characters",
    "choose a longer one: four or five random words are good"
  ],
  PasswordTooWeak: [
    Exit.usage,
    "PasswordTooWeak",
    (e) => `this password is easy to guess${inBrackets(e.detail)}`,
    "choose a stronger one, four or five random words, or insist with --allow-weak-password"
  ],
  NotVerified: [
    Exit.notVerified,
    "NotVerified",
    (e) => `${e.subject} does not verify${inBrackets(e.detail)}`,
    `see what is whole: sealog verify --read-data; then ${other}`
  ],
  RolledBack: [
    Exit.notVerified,
    "RolledBack",
    (e) => `${e.subject} is older than it should be${inBrackets(e.detail)}`,
    "somebody may have put back an old state: use another target, and find out why"
  ],
  Unreachable: [
    Exit.unreachable,
    "Unreachable",
    (e) => `${e.subject} cannot be reached${inBrackets(e.detail)}`,
    "connect the disk or the network, check the path, then run it again"
  ]
}

const config: Table<ConfigReason, ConfigError> = {
  Missing: [
    Exit.noVault,
    "NoVault",
    (e) => `there is no vault in this home: ${e.subject} is not there`,
    "make one with sealog init, or say where it is with --home DIR or SEALOG_HOME"
  ],
  Unreadable: [
    Exit.failed,
    "ConfigUnreadable",
    (e) => `${e.subject} could not be read${because(e)}`,
    "give this user the right to read it, then run it again"
  ],
  Syntax: [
    Exit.usage,
    "ConfigSyntax",
    (e) => `${e.subject}: ${e.detail ?? "not TOML"}`,
    "mend that line; docs/operating.md shows a whole file"
  ],
  Invalid: [
    Exit.usage,
    "ConfigInvalid",
    (e) => `${e.subject}: ${e.detail ?? "not valid"}`,
    "mend that line; docs/operating.md shows a whole file"
  ],
  NewerVersion: [
    Exit.newer,
    "NewerVersion",
    (e) => `${e.subject}: the configuration was made by a newer sealog`,
    "install the newest release and run it again"
  ]
}

const home: Table<HomeReason, HomeError> = {
  Denied: [
    Exit.failed,
    "HomeDenied",
    (e) => `${e.subject} may not be written${because(e)}`,
    "give this user the right to write there, or use another home: --home DIR"
  ],
  NotAFolder: [
    Exit.usage,
    "HomeNotAFolder",
    (e) => `${e.subject} is in the way: it is not a folder`,
    "use another home: --home DIR"
  ],
  Full: [
    Exit.noSpace,
    "NoSpace",
    (e) => `there is no space left for ${e.subject}`,
    "free some space on that disk, then run it again"
  ],
  Io: [
    Exit.failed,
    "HomeIo",
    (e) => `${e.subject} could not be read or written${because(e)}`,
    "check the disk, then run it again"
  ]
}

const secret: Table<SecretReason, SecretError> = {
  NoKey: [
    Exit.wrongKey,
    "NoKey",
    () => "no password was given, and there is no terminal to ask on",
    "give one with --password-file F, --password-command C, SEALOG_PASSWORD_FILE, SEALOG_PASSWORD_COMMAND, or the code with --recovery-code-file F"
  ],
  FileUnreadable: [
    Exit.wrongKey,
    "KeyFileUnreadable",
    (e) => `${e.subject} could not be read${because(e)}`,
    "check the path, and that this user may read it"
  ],
  CommandFailed: [
    Exit.wrongKey,
    "KeyCommandFailed",
    (e) => `the password command gave no password: ${e.subject}${inBrackets(e.detail)}`,
    "run the command by hand: it must print the password and end with exit code 0"
  ],
  NotAPassword: [
    Exit.wrongKey,
    "NotAPassword",
    (e) => `${e.subject} holds no usable password${inBrackets(e.detail)}`,
    "put the password there as one line of UTF-8 text"
  ],
  Mismatch: [
    Exit.wrongKey,
    "PasswordMismatch",
    () => "the two passwords differ",
    "run it again and type the same one twice"
  ],
  Cancelled: [
    Exit.wrongKey,
    "NoKey",
    () => "no password was typed",
    "run it again, or give one with --password-file F or --password-command C"
  ],
  CodeFileExists: [
    Exit.usage,
    "CodeFileExists",
    (e) => `${e.subject} is already there and was not overwritten`,
    "name a file that does not exist yet: --recovery-code-file F"
  ],
  CodeFileUnwritable: [
    Exit.failed,
    "CodeFileUnwritable",
    (e) => `the recovery code could not be written to ${e.subject}${because(e)}`,
    "name a file in a folder that this user may write to: --recovery-code-file F"
  ],
  CodeNotConfirmed: [
    Exit.wrongKey,
    "CodeNotConfirmed",
    () => "those are not the words of the recovery code, so no vault was made",
    "run it again and write the code down, or keep it in a file: --recovery-code-file F"
  ]
}

const spec: Table<SpecReason, SpecError> = {
  Malformed: [
    Exit.usage,
    "BadSpec",
    (e) => `${e.role} "${e.subject}" is not kind:PATH`,
    (e) => e.role === "source" ? "write it as maildir:/home/me/Maildir" : "write it as disk:/media/backup/vault"
  ],
  UnknownKind: [
    Exit.usage,
    "UnknownKind",
    (e) => `there is no kind of ${e.role} named ${e.subject}`,
    (e) => `the kinds are: ${e.known.join(", ")}`
  ],
  LaterKind: [
    Exit.usage,
    "LaterKind",
    (e) => `${e.role}s of the kind ${e.subject} come with a later release`,
    (e) => `this release has: ${e.known.join(", ")}`
  ],
  BadName: [
    Exit.usage,
    "BadName",
    (e) => `"${e.subject}" cannot be the name of a ${e.role}`,
    "use letters, digits, spaces, dots, dashes and underscores, with a letter or digit first, 64 at most"
  ],
  DuplicateName: [
    Exit.usage,
    "DuplicateName",
    (e) => `two ${e.role}s have the name ${e.subject}`,
    "give one of them another name: NAME=SPEC"
  ]
}

const control: Table<ControlReason, ControlError> = {
  Locked: [
    Exit.locked,
    "Locked",
    (e) => `a daemon already runs for this home${e.pid === undefined ? "" : `: pid ${e.pid}`}`,
    "ask it with sealog status, or stop it first"
  ],
  Denied: [
    Exit.failed,
    "ControlDenied",
    (e) => `the daemon's socket ${e.subject} may not be used${because(e)}`,
    "run this as the user the daemon runs as"
  ],
  NewerProtocol: [
    Exit.newer,
    "NewerVersion",
    () => "the running daemon is of a newer release than this program",
    "use the same release for both: restart the daemon after an update"
  ],
  Malformed: [
    Exit.failed,
    "ControlMalformed",
    (e) => `what came over the control socket is not of its protocol${inBrackets(e.detail)}`,
    "use the same release for both: restart the daemon after an update"
  ],
  TooLong: [
    Exit.failed,
    "ControlTooLong",
    (e) => `a line over the control socket is longer than allowed${inBrackets(e.detail)}`,
    "ask for less at once"
  ],
  UnknownMethod: [
    Exit.usage,
    "UnknownMethod",
    (e) => `the running daemon does not know "${e.subject}"`,
    "use the same release for both: restart the daemon after an update"
  ],
  BadParams: [
    Exit.usage,
    "BadParams",
    (e) => `the running daemon does not understand what was asked of "${e.subject}"${inBrackets(e.detail)}`,
    "use the same release for both: restart the daemon after an update"
  ],
  Busy: [
    Exit.failed,
    "Busy",
    () => "the daemon answers as many as it can already",
    "wait for one of them to end, then run it again"
  ],
  Lost: [
    Exit.failed,
    "DaemonGone",
    () => "the daemon went away before it had answered",
    "see whether it runs: sealog status; what it had recorded is safe"
  ],
  Io: [
    Exit.failed,
    "ControlIo",
    (e) => `the control socket ${e.subject} failed${because(e)}`,
    "run it again; if it stays so, restart the daemon"
  ]
}
