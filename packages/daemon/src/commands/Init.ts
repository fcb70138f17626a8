/** `sealog init`: makes a vault, and sees to it that its recovery code is kept. */
import { FileSystem } from "@effect/platform"
import { confirmWords, pickWords } from "@sealog/core/keys/RecoveryCode"
import { Effect, Redacted } from "effect"
import type { GlobalFlags, InitArguments } from "../Arguments.ts"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import { codeOf } from "../Home.ts"
import { Platform } from "../Platform.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { makeStyle } from "../present/Style.ts"
import { Progress } from "../Progress.ts"
import { sources as kinds } from "../Registry.ts"
import { InitReport } from "../Reports.ts"
import { SecretError } from "../Secret.ts"
import { absolutePath, type Spec } from "../Spec.ts"
import { Terminal } from "../Terminal.ts"
import { UsageError } from "../Usage.ts"
import { given, specs } from "./Command.ts"

export const command = Effect.fn("init")(function*(args: InitArguments, flags: GlobalFlags) {
  const sources = yield* withPolicy(yield* specs("source", args.sources), args.attachments)
  const targets = yield* specs("target", args.targets)
  const keep = yield* keeper(args)
  const engine = yield* Engine
  const report = yield* engine.init({
    sources,
    targets,
    allowWeakPassword: args.allowWeakPassword,
    ...given({ kdfMemoryMiB: args.kdfMemoryMiB }),
    ...keep
  })
  yield* print(flags, InitReport, report, Human.init)
  return Exit.done
})

/** What was said of attachments, for each store that has any beside its messages. */
const withPolicy = Effect.fn("init.withPolicy")(
  function*(stores: ReadonlyArray<Spec>, attachments: string | undefined) {
    if (attachments === undefined) return stores
    const has = ({ kind }: Spec) => kinds[kind]?.attachments === true
    if (stores.some(has)) return stores.map((store) => has(store) ? { ...store, attachments } : store)
    return yield* Effect.fail(
      new UsageError("no source here has attachments beside its messages", "leave --attachments out")
    )
  }
)

/** What is done with a new recovery code; decided before anything is asked or made. */
const keeper = Effect.fn("init.keeper")(function*(args: InitArguments) {
  const { recoveryCode } = args
  const platform = yield* Platform
  const terminal = yield* Terminal
  const context = yield* Effect.context<
    FileSystem.FileSystem | Terminal | Progress | Effect.Effect.Context<typeof pickWords>
  >()
  if (recoveryCode === "none") return {}
  if (recoveryCode !== undefined) {
    const path = absolutePath(recoveryCode.file, platform)
    yield* refuseExisting(path)
    const keepRecoveryCode = (code: Redacted.Redacted<string>) => Effect.provide(writeCode(path, code), context)
    return { keepRecoveryCode, recoveryCodeFile: path }
  }
  if (!terminal.interactive) {
    return yield* Effect.fail(
      new UsageError(
        "there is no terminal to show the recovery code on",
        "say where it goes with --recovery-code-file F, or do without: --no-recovery-code"
      )
    )
  }
  return { keepRecoveryCode: (code: Redacted.Redacted<string>) => Effect.provide(showCode(code), context) }
})

const refuseExisting = Effect.fn("init.refuseExisting")(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const exists = yield* fs.exists(path).pipe(
    Effect.mapError((cause) =>
      new SecretError({ reason: "CodeFileUnwritable", method: "writeCode", subject: path, cause })
    )
  )
  if (exists) return yield* new SecretError({ reason: "CodeFileExists", method: "writeCode", subject: path })
})

/** Mode 0600, synced, and only if no such file is there. */
const writeCode = Effect.fn("init.writeCode")(function*(path: string, code: Redacted.Redacted<string>) {
  const fs = yield* FileSystem.FileSystem
  const write = Effect.scoped(Effect.gen(function*() {
    const file = yield* fs.open(path, { flag: "wx", mode: 0o600 })
    yield* file.writeAll(new TextEncoder().encode(`${Redacted.value(code)}\n`))
    yield* file.sync
  }))
  yield* write.pipe(Effect.mapError((cause) => {
    const exists = cause._tag === "SystemError" && codeOf(cause.cause) === "EEXIST"
    return new SecretError({
      reason: exists ? "CodeFileExists" : "CodeFileUnwritable",
      method: "writeCode",
      subject: path,
      cause
    })
  }))
})

/** Shown once, on stderr: stdout may be kept. Whoever wrote it down can say any two of its words. */
const showCode = Effect.fn("init.showCode")(function*(code: Redacted.Redacted<string>) {
  const terminal = yield* Terminal
  const progress = yield* Progress
  yield* progress.clear
  const style = makeStyle(terminal.colours)
  const words = Redacted.value(code).split(" ")
  const rows = Array.from({ length: Math.ceil(words.length / 4) }, (_, row) =>
    words.slice(row * 4, row * 4 + 4)
      .map((word, at) => `${String(row * 4 + at + 1).padStart(2)} ${style.bold(word.padEnd(9))}`)
      .join(" "))
  yield* terminal.err(
    `\nYour recovery code, shown this once. Write it down, and keep it where no computer is.\n\n  ${
      rows.join("\n  ")
    }\n\n`
  )
  const places = yield* pickWords
  const answers = []
  for (const place of places) {
    const word = yield* terminal.ask(`Word ${place}: `)
    if (word === undefined) {
      return yield* new SecretError({ reason: "Cancelled", method: "showCode", subject: "the terminal" })
    }
    answers.push({ place, word })
  }
  if (!confirmWords(code, answers)) {
    return yield* new SecretError({ reason: "CodeNotConfirmed", method: "showCode", subject: "the terminal" })
  }
})
