/**
 * What a person is told when the program's own parts say no: configuration, home, keys given, SPECs, the daemon.
 */
import type { ConfigError, ConfigReason } from "../Config.ts"
import type { ControlError, ControlReason } from "../control/Protocol.ts"
import type { EngineFailure, EngineReason } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import type { HomeError, HomeReason } from "../Home.ts"
import type { PackageError, PackageReason } from "../Package.ts"
import type { SecretError, SecretReason } from "../Secret.ts"
import type { SpecError, SpecReason } from "../Spec.ts"
import { because, inBrackets, type Table, whatIsWhole } from "./Row.ts"

export const engine: Table<EngineReason, EngineFailure> = {
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
  TargetExists: [
    Exit.usage,
    "TargetExists",
    (e) => `${e.subject} is a target already${inBrackets(e.detail)}`,
    "sealog target list shows what there is; a second target belongs at another place"
  ],
  LastTarget: [
    Exit.usage,
    "LastTarget",
    (e) => `${e.subject} is the only target`,
    "add another one first: sealog target add SPEC"
  ],
  NotAReceipt: [
    Exit.usage,
    "NotAReceipt",
    (e) => `${e.subject} is not a drill's receipt${inBrackets(e.detail)}`,
    "receipts lie in the receipts folder of the home; sealog drill history lists them"
  ],
  NotVerified: [
    Exit.notVerified,
    "NotVerified",
    (e) => `${e.subject} does not verify${inBrackets(e.detail)}`,
    whatIsWhole
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

export const config: Table<ConfigReason, ConfigError> = {
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

export const home: Table<HomeReason, HomeError> = {
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

export const secret: Table<SecretReason, SecretError> = {
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
  Empty: [
    Exit.wrongKey,
    "NoKey",
    (e) => `there is no password in ${e.subject}: it is empty`,
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

export const spec: Table<SpecReason, SpecError> = {
  Malformed: [
    Exit.usage,
    "BadSpec",
    (e) => `${e.role} "${e.subject}" is not kind:PATH`,
    (e) => e.role === "source" ? "write it as maildir:/home/me/Maildir" : "write it as disk:/media/backup/vault"
  ],
  NoUsualPlace: [
    Exit.usage,
    "NoUsualPlace",
    (e) => `this system has no place where a store of the kind ${e.subject} usually is`,
    (e) => `name its folder or its file: ${e.subject}:PATH`
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
  ],
  BadUrl: [
    Exit.usage,
    "BadUrl",
    (e) => `${e.role} "${e.subject}" has no URL that names a folder`,
    "write it as webdav:https://host/folder"
  ],
  BadPackage: [
    Exit.usage,
    "BadPackage",
    (e) => `${e.role} "${e.subject}" names no npm package, or an option twice or without a name`,
    "write it as package:NAME?option=value&other=value"
  ],
  SecretInSpec: [
    Exit.usage,
    "SecretInSpec",
    (e) => `${e.role} "${e.subject}" has a password in it, which others could read there`,
    "leave it out and give it with SEALOG_TARGET_<NAME>_PASSWORD_FILE, or password_file in config.toml; docs/operating.md tells all ways"
  ]
}

export const adapter: Table<PackageReason, PackageError> = {
  NotInstalled: [
    Exit.usage,
    "PackageNotInstalled",
    (e) => `there is no package ${e.subject}, neither from the current folder nor beside sealog`,
    (e) => `install it with npm install ${e.subject} in the folder that sealog is started in, or beside sealog itself`
  ],
  NotLoaded: [
    Exit.failed,
    "PackageNotLoaded",
    (e) => `the package ${e.subject} could not be loaded${inBrackets(e.detail)}`,
    "install it anew; if it stays so, tell its author what stands here"
  ],
  NotAnAdapter: [
    Exit.usage,
    "PackageNotAnAdapter",
    (e) => `the package ${e.subject} is no storage adapter of this release${inBrackets(e.detail)}`,
    "check its name and its version; docs/adapters.md says what an adapter exports"
  ],
  BadOptions: [
    Exit.usage,
    "PackageOptions",
    (e) => `the package ${e.subject} does not take these options${inBrackets(e.detail)}`,
    (e) => `write them as package:${e.subject}?option=value; the package's own README says which there are`
  ]
}

export const control: Table<ControlReason, ControlError> = {
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
