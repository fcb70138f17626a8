/**
 * What a person is told when the core says no: the log, the keys, stores and places, the way back.
 */
import type { JournalError, JournalReason } from "@sealog/core/backup/Journal"
import type { SourceError, SourceReason } from "@sealog/core/backup/Source"
import type { StorageError, StorageReason } from "@sealog/core/backup/Storage"
import type { VaultError, VaultReason } from "@sealog/core/backup/Vault"
import type { FormatError, FormatReason } from "@sealog/core/format/FormatError"
import { PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARS } from "@sealog/core/format/Limits"
import type { KdfError } from "@sealog/core/keys/Kdf"
import type { SlotError, SlotReason } from "@sealog/core/keys/KeySlot"
import type { PasswordError, PasswordReason } from "@sealog/core/keys/Password"
import type { RecoveryCodeError } from "@sealog/core/keys/RecoveryCode"
import type { ProjectionError, ProjectionReason } from "@sealog/core/restore/Projection"
import { Exit } from "../Exit.ts"
import { because, codeOf, inBrackets, type Row, type Table, whatIsWhole } from "./Row.ts"

/** As `keys/RecoveryCode` has it; that module brings its word list along. */
const RECOVERY_WORDS = 24

export const storage: Table<StorageReason, StorageError> = {
  NotFound: [
    Exit.notVerified,
    "ObjectMissing",
    (e) => `${e.subject} is missing (${e.method})`,
    whatIsWhole
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
    (e) =>
      isOfServer(e.subject)
        ? "check the user and the password of this target, and what that user may do there: docs/targets/webdav.md"
        : "give this user the right to read and write there, then run it again"
  ],
  Unreachable: [
    Exit.unreachable,
    "Unreachable",
    (e) =>
      codeOf(e.cause) === "NOTMOUNTED"
        ? `the disk of ${e.subject} is not mounted, and nothing was written in its place (${e.method})`
        : `${e.subject} cannot be reached (${e.method})${because(e)}`,
    (e) =>
      codeOf(e.cause) === "NOTMOUNTED"
        ? "connect and mount the disk, then run it again; docs/targets/disk.md says how a disk is known"
        : "connect the disk or the network, check the path, then run it again"
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
    `check the disk; ${whatIsWhole}`
  ],
  Unsupported: [
    Exit.failed,
    "TargetUnsupported",
    (e) =>
      isOfICloud(e.subject)
        ? `${e.subject}: iCloud Drive is a folder of macOS, and this system has none`
        : `${e.subject}: this place cannot do what is needed (${e.method})`,
    (e) =>
      isOfICloud(e.subject)
        ? "name a folder that another program syncs, folder:PATH, or a disk, disk:PATH"
        : "use another kind of target; docs/adapters.md says what each can do"
  ]
}

const isOfICloud = (subject: string) => /^icloud(?::|$)/u.test(subject)
const isOfServer = (subject: string) => /^(?:webdav:)?https?:/u.test(subject)

/** Folders that macOS lets no program into that its owner has not named. */
const isGuarded = (subject: string) =>
  /\/Library\/(?:Messages|Mail|Group Containers|Containers|Application Support)(?:\/|$)/u.test(subject)

export const source: Table<SourceReason, SourceError> = {
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
    (e) =>
      isGuarded(e.subject)
        ? "allow Full Disk Access (System Settings, Privacy & Security) to the program that starts sealog: the terminal "
          + "it is typed in, or for the service the node it runs; then run it again"
        : "give this user the right to read it, then run it again"
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

const healsIt = "run sealog sync: it heals the journal, with a target's help where that is needed, and removes nothing"

export const journal: Table<JournalReason, JournalError> = {
  Missing: [
    Exit.noVault,
    "NoJournal",
    (e) => `the journal of this home is gone, or a file that it needs${inBrackets(e.subject)}`,
    healsIt
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
    (e) =>
      e.method === "heal"
        ? "connect that target and run sealog sync: it takes from there what is missing; a target that is gone for good is "
          + "to be taken out of config.toml"
        : healsIt
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

const damaged = (word: string, what: string): Row<FormatError> => [
  Exit.notVerified,
  word,
  (e) => `${e.what}: ${what}${inBrackets(e.detail)}`,
  whatIsWhole
]

export const format: Table<FormatReason, FormatError> = {
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

export const vault: Table<VaultReason, VaultError> = {
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
  KeysReplaced: [
    Exit.notVerified,
    "KeysReplaced",
    (e) => `the keys at ${e.subject} are not those that this machine knows; nothing was sent there`,
    "do not trust this place until you know why; put back its folder as it was, or use another target"
  ],
  SlotUnreadable: [
    Exit.notVerified,
    "SlotUnreadable",
    (e) => `${e.subject}: a key that was just written did not come back whole`,
    "check the disk or server; nothing was removed, so run it again"
  ]
}

export const slot: Table<SlotReason, SlotError> = {
  WrongSecret: [
    Exit.wrongKey,
    "WrongPassword",
    () => "the password or code does not open this vault",
    "try again, or open it with the recovery code: --recovery-code-file F"
  ],
  Malformed: [
    Exit.notVerified,
    "SlotDamaged",
    () => "a key slot is damaged",
    "use another target; each holds the same key slots"
  ],
  Unknown: [
    Exit.newer,
    "NewerVersion",
    () => "a key slot was made by a newer sealog",
    "install the newest release and run it again"
  ],
  Bounds: [
    Exit.notVerified,
    "SlotBounds",
    () => "a key slot asks for more or less work than any that sealog makes",
    "somebody may have changed it: use another target"
  ],
  OtherVault: [
    Exit.notVerified,
    "OtherVault",
    () => "a key slot belongs to another vault",
    "somebody may have put it there: use another target"
  ]
}

export const kdf: Table<KdfError["reason"], KdfError> = {
  Bounds: [
    Exit.usage,
    "KdfBounds",
    (e) => `no key can be derived like this${inBrackets(e.detail)}`,
    "choose --kdf-memory between 64 and 2048"
  ],
  Failed: [
    Exit.failed,
    "KdfFailed",
    (e) => `the key could not be derived from the password${inBrackets(e.detail)}`,
    "free some memory and run it again: this vault's password needs as much as init was told"
  ]
}

export const password: Table<PasswordReason, PasswordError> = {
  TooShort: [
    Exit.usage,
    "PasswordTooShort",
    () => `a password needs at least ${PASSWORD_MIN_CHARS} characters`,
    "choose a longer one: four or five random words are good"
  ],
  TooLong: [
    Exit.usage,
    "PasswordTooLong",
    () => `a password has at most ${PASSWORD_MAX_BYTES} bytes`,
    "choose a shorter one, or check that the file or command is the right one"
  ],
  NotText: [
    Exit.wrongKey,
    "PasswordNotText",
    () => "the password is not UTF-8 text",
    "check the file or the command that it came from"
  ],
  Weak: [
    Exit.usage,
    "PasswordTooWeak",
    (e) => `this password is easy to guess${inBrackets(e.detail)}`,
    "choose four or five random words, or insist with --allow-weak-password"
  ]
}

export const recoveryCode: Table<RecoveryCodeError["reason"], RecoveryCodeError> = {
  WordCount: [
    Exit.wrongKey,
    "BadRecoveryCode",
    (e) => `a recovery code has ${RECOVERY_WORDS} words${e.detail === undefined ? "" : `, this has ${e.detail}`}`,
    "check that no word is missing"
  ],
  UnknownWord: [
    Exit.wrongKey,
    "BadRecoveryCode",
    (e) => `a word is in no recovery code${inBrackets(e.detail)}`,
    "check its spelling"
  ],
  Checksum: [
    Exit.wrongKey,
    "BadRecoveryCode",
    () => "these words are not a recovery code",
    "check each of them, and their order"
  ]
}

export const projection: Table<ProjectionReason, ProjectionError> = {
  NotEmpty: [
    Exit.usage,
    "FolderNotEmpty",
    (e) => `${e.subject} holds files that no restore wrote`,
    "choose an empty folder, or add --force: it still replaces nothing that sealog did not write"
  ],
  OtherRestore: [
    Exit.usage,
    "OtherRestore",
    (e) => `${e.subject} holds a restore of another form, of another vault, or one with gaps`,
    "choose an empty folder"
  ],
  NothingToProject: [
    Exit.usage,
    "NothingToProject",
    (e) => `nothing in this vault can be written in this form (${e.subject})`,
    "restore with --format jsonl, which holds every kind of source"
  ],
  Denied: [
    Exit.failed,
    "FolderDenied",
    (e) => `${e.subject} may not be written${because(e)}`,
    "choose a folder that this user may write to"
  ],
  Full: [
    Exit.noSpace,
    "NoSpace",
    (e) => `there is no space left for ${e.subject}`,
    "free some space there and run it again: what is written already is kept"
  ],
  Io: [
    Exit.failed,
    "FolderIo",
    (e) => `${e.subject} could not be written${because(e)}`,
    "check the disk, then run it again"
  ]
}
