/**
 * The commands and flags there are, with their help: the text of `sealog --help` as a person reads it. What a command
 * takes is turned into its record of `Arguments` right here.
 */
import { version } from "@sealog/core"
import { Command, Option } from "commander"
import type { Arguments } from "./Arguments.ts"
import { UsageError } from "./Usage.ts"
import {
  attachmentPolicy,
  fingerprint,
  kdfMemory,
  packageName,
  percent,
  repeated,
  seconds,
  text,
  time
} from "./Values.ts"

export interface Listener {
  /** A command was understood. */
  readonly found: (what: { readonly arguments: Arguments; readonly recoveryCodeFile?: string }) => void
  /** Help or the version, in pieces. */
  readonly print: (text: string) => void
}

export const makeGrammar = (listener: Listener): Command => {
  const program = new Command("sealog")
    .description("Continuous, verifiable, encrypted backup of your messages.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .option("--home <dir>", "where this machine keeps its part of the vault", text)
    .option("--json", "print one JSON document instead of text")
    .option("--quiet", "no progress, no warnings")
    .option("--verbose", "say more on stderr")
    .option("--no-color", "no colours (also: NO_COLOR)")
    .option("--password-file <file>", "read the password from a file", text)
    .option("--password-command <command>", "take the password from a command's output", text)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ writeOut: listener.print, writeErr: listener.print, outputError: () => {} })
    .addHelpText("after", EPILOGUE)
  for (const add of [addMaking, addWatching, addReading, addProving, addLists, addService]) add(program, listener)
  return program
}

const EPILOGUE = `
Examples:
  $ sealog init --source maildir:~/Maildir --target disk:/media/backup/vault
  $ sealog sync
  $ sealog status
  $ sealog restore --from disk:/media/backup/vault --to ~/restored

Exit codes: 0 done, 1 failed, 2 usage, 3 in part, 4 source not read, 10 no vault, 11 locked,
12 wrong or no password, 13 not verified, 14 unreachable, 15 no space, 16 newer version.`

/** Commands that need a key take the recovery code too; `init` writes one with a flag of the same name. */
const opening = (command: Command): Command =>
  command.addOption(new Option("--recovery-code-file <file>", "open with the recovery code in a file").argParser(text))

const shipDelay = () =>
  new Option("--ship-delay <seconds>", "how long to gather events before they are shipped").argParser(seconds)
const atTarget = () => new Option("--target <name>", "a target of the configuration").argParser(text).conflicts("from")
const atPlace = () => new Option("--from <spec>", "a place, as disk:PATH").argParser(text)
const sampleOption = (conflict: string) =>
  new Option("--sample <percent>", "read a random share of the data").argParser(percent).conflicts(conflict)

/** Leaves out what was not given, as the records of `Arguments` have it. */
const given = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

interface Opening {
  readonly recoveryCodeFile?: string
}

interface InitFlags {
  readonly source: ReadonlyArray<string>
  readonly target: ReadonlyArray<string>
  readonly recoveryCodeFile?: string
  readonly recoveryCode: boolean
  readonly kdfMemory?: number
  readonly attachments?: string
  readonly allowWeakPassword?: boolean
}

const addMaking = (program: Command, { found }: Listener) => {
  program.command("init")
    .description("make a new vault and say what is backed up, and where to")
    .addOption(
      new Option("--source <spec>", "a store, as maildir:PATH (repeatable)").argParser(repeated).makeOptionMandatory()
    )
    .addOption(
      new Option("--target <spec>", "a place, as disk:PATH (repeatable)").argParser(repeated).makeOptionMandatory()
    )
    .option("--recovery-code-file <file>", "write the recovery code to a new file instead of showing it", text)
    .option("--no-recovery-code", "make no recovery code: only the password opens the vault")
    .option(
      "--attachments <which>",
      "photos and files of messengers: all (default), none, under:SIZE",
      attachmentPolicy
    )
    .option("--kdf-memory <mib>", "memory that trying one password takes, MiB", kdfMemory)
    .option("--allow-weak-password", "take a password that is easy to guess")
    .action((flags: InitFlags) => {
      const { recoveryCode: wanted, recoveryCodeFile: file } = flags
      if (!wanted && file !== undefined) {
        throw new UsageError("--recovery-code-file and --no-recovery-code exclude each other", "give one of them")
      }
      found({
        arguments: {
          command: "init",
          sources: flags.source,
          targets: flags.target,
          allowWeakPassword: flags.allowWeakPassword === true,
          ...given({
            recoveryCode: wanted ? (file === undefined ? undefined : { file }) : "none" as const,
            kdfMemoryMiB: flags.kdfMemory,
            attachments: flags.attachments
          })
        }
      })
    })
}

const addWatching = (program: Command, { found }: Listener) => {
  const action = (command: "sync" | "run") => (flags: Opening & { readonly shipDelay?: number }) =>
    found({
      arguments: { command, ...given({ shipDelaySeconds: flags.shipDelay }) },
      ...given({ recoveryCodeFile: flags.recoveryCodeFile })
    })
  opening(program.command("sync").description("read every source once and ship everything everywhere"))
    .addOption(shipDelay())
    .action(action("sync"))
  opening(program.command("run").description("watch and ship until stopped (the daemon, in the foreground)"))
    .addOption(shipDelay())
    .action(action("run"))
  program.command("status")
    .description("what is safe, what is not yet, and where (needs no password)")
    .action(() => found({ arguments: { command: "status" } }))
}

interface RestoreFlags extends Opening {
  readonly from: ReadonlyArray<string>
  readonly to: string
  readonly format: string
  readonly partial?: boolean
  readonly force?: boolean
  readonly withAttachments?: boolean
  readonly expectFingerprint?: string
}

interface LogFlags extends Opening {
  readonly follow?: boolean
  readonly conversation?: string
  readonly since?: number
  readonly until?: number
}

const addReading = (program: Command, { found }: Listener) => {
  opening(program.command("restore").description("write the messages of a vault into a folder (needs no home)"))
    .addOption(
      new Option("--from <spec>", "where the vault is, as disk:PATH (repeatable)").argParser(repeated)
        .makeOptionMandatory()
    )
    .requiredOption("--to <dir>", "the folder to write into: empty, or of an earlier restore", text)
    .option("--format <format>", "jsonl or maildir", "jsonl")
    .option("--with-attachments", "also the photos, videos and other files that came with messages (jsonl)")
    .option("--partial", "restore what is whole, and say what is missing")
    .option("--force", "write into a folder that holds other files; they stay as they are")
    .option("--expect-fingerprint <fingerprint>", "fail if the vault is older than this", fingerprint)
    .action((flags: RestoreFlags) =>
      found({
        arguments: {
          command: "restore",
          from: flags.from,
          to: flags.to,
          format: flags.format,
          partial: flags.partial === true,
          withAttachments: flags.withAttachments === true,
          force: flags.force === true,
          ...given({ expectFingerprint: flags.expectFingerprint })
        },
        ...given({ recoveryCodeFile: flags.recoveryCodeFile })
      })
    )
  opening(program.command("log").description("the events recorded, in order"))
    .option("--follow", "go on with what comes")
    .option("--conversation <conversation>", "only this conversation", text)
    .option("--since <time>", "only messages from this time on", time)
    .option("--until <time>", "only messages before this time", time)
    .action((flags: LogFlags) => {
      const { conversation, since: sinceMillis, until: untilMillis } = flags
      found({
        arguments: {
          command: "log",
          follow: flags.follow === true,
          ...given({ conversation, sinceMillis, untilMillis })
        },
        ...given({ recoveryCodeFile: flags.recoveryCodeFile })
      })
    })
}

interface ProofFlags extends Opening {
  readonly target?: string
  readonly from?: string
  readonly readData?: boolean
  readonly full?: boolean
  readonly sample?: number
}

const addProving = (program: Command, { found }: Listener) => {
  const place = ({ from, target }: ProofFlags) => given({ target, from })
  const share = ({ sample }: ProofFlags) => (sample === undefined ? undefined : { samplePercent: sample })
  opening(program.command("verify").description("check a vault: every object, or every byte"))
    .addOption(atTarget()).addOption(atPlace())
    .option("--read-data", "read every byte")
    .addOption(sampleOption("readData"))
    .action((flags: ProofFlags) =>
      found({
        arguments: {
          command: "verify",
          ...place(flags),
          depth: flags.readData === true ? "data" : share(flags) ?? "names"
        },
        ...given({ recoveryCodeFile: flags.recoveryCodeFile })
      })
    )
  const drill = opening(program.command("drill").description("rehearse a restore, check it, and keep a receipt"))
    .addOption(atTarget()).addOption(atPlace())
    .option("--full", "everything again, not only what is new since the last drill")
    .addOption(sampleOption("full"))
    .action((flags: ProofFlags) =>
      found({
        arguments: {
          command: "drill",
          ...place(flags),
          mode: flags.full === true ? "full" : share(flags) ?? "incremental"
        },
        ...given({ recoveryCodeFile: flags.recoveryCodeFile })
      })
    )
  drill.command("history")
    .description("the drills so far, newest first")
    .action(() => found({ arguments: { command: "drill history" } }))
  opening(drill.command("verify").description("check that a receipt is genuine"))
    .argument("<file>", "the receipt", text)
    .action((file: string, flags: Opening) =>
      found({
        arguments: { command: "drill verify", file },
        ...given({ recoveryCodeFile: flags.recoveryCodeFile })
      })
    )
  opening(program.command("fingerprint").description("the log's size and eight words, to keep on paper"))
    .action((flags: Opening) =>
      found({ arguments: { command: "fingerprint" }, ...given({ recoveryCodeFile: flags.recoveryCodeFile }) })
    )
}

const addLists = (program: Command, { found }: Listener) => {
  const source = program.command("source").description("the stores that are backed up, and those that could be")
  source.command("list")
    .description("the sources of the configuration")
    .action(() => found({ arguments: { command: "source list" } }))
  source.command("detect")
    .description("look for stores in the usual places")
    .action(() => found({ arguments: { command: "source detect" } }))
  source.command("dump")
    .description("write the canonical form of a store, straight from the store, to stdout")
    .argument("<spec>", "the store, as maildir:PATH", text)
    .action((spec: string) => found({ arguments: { command: "source dump", spec } }))
  const target = program.command("target").description("the places the vault is kept at")
  target.command("list")
    .description("the targets of the configuration")
    .action(() => found({ arguments: { command: "target list" } }))
  opening(target.command("add").description("one more place; it is filled by the next sync, or by the daemon"))
    .argument("<spec>", "the place, as disk:PATH or NAME=disk:PATH", text)
    .action((spec: string, flags: Opening) =>
      found({ arguments: { command: "target add", spec }, ...given({ recoveryCodeFile: flags.recoveryCodeFile }) })
    )
  opening(target.command("remove").description("ship there no more; what lies there stays"))
    .argument("<name>", "a target of the configuration", text)
    .action((name: string, flags: Opening) =>
      found({ arguments: { command: "target remove", name }, ...given({ recoveryCodeFile: flags.recoveryCodeFile }) })
    )
  target.command("check")
    .description("hold a place against the storage contract, beside what is there; nothing stays behind")
    .argument("<spec>", "the place, as disk:PATH", text)
    .action((spec: string) => found({ arguments: { command: "target check", spec } }))
  target.command("new")
    .description("write a package for a storage adapter of your own, with its tests")
    .argument("<name>", "what it is called: letters, digits and dashes", packageName)
    .option("--to <dir>", "the folder to make (default: sealog-adapter-NAME)", text)
    .action((name: string, flags: { readonly to?: string }) =>
      found({ arguments: { command: "target new", name, ...given({ folder: flags.to }) } })
    )
}

const addService = (program: Command, { found }: Listener) => {
  const service = program.command("service").description("start the daemon with the session")
  service.command("install")
    .description("the text of the service for this system")
    .option("--print", "print it instead of installing it")
    .addOption(new Option("--kind <kind>", "for another system than this").choices(["systemd", "launchd"]))
    .action((flags: { readonly print?: boolean; readonly kind?: "systemd" | "launchd" }) => {
      if (flags.print !== true) {
        throw new UsageError(
          "this release prints the service and does not install it",
          "add --print, and put the text where its first line says"
        )
      }
      found({ arguments: { command: "service install", ...given({ kind: flags.kind }) } })
    })
}
