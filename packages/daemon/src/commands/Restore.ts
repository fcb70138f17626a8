/** `sealog restore`: writes the messages of a vault into a folder. */
import { Effect } from "effect"
import type { GlobalFlags, RestoreArguments } from "../Arguments.ts"
import { Engine, EngineFailure } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import { Platform } from "../Platform.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { formats } from "../Registry.ts"
import { RestoreReport } from "../Reports.ts"
import { absolutePath } from "../Spec.ts"
import { UsageError } from "../Usage.ts"
import { given, specs } from "./Command.ts"

export const command = Effect.fn("restore")(function*(args: RestoreArguments, flags: GlobalFlags) {
  yield* requireFormat(args.format)
  if (args.withAttachments && args.format === "maildir") {
    return yield* Effect.fail(
      new UsageError("mails have their attachments in them", "leave --with-attachments out, or use --format jsonl")
    )
  }
  const from = yield* specs("target", args.from)
  const platform = yield* Platform
  const engine = yield* Engine
  const report = yield* engine.restore({
    from,
    to: absolutePath(args.to, platform),
    format: args.format,
    partial: args.partial,
    force: args.force,
    withAttachments: args.withAttachments,
    ...given({ expectFingerprint: args.expectFingerprint })
  })
  yield* print(flags, RestoreReport, report, Human.restore)
  if (report.freshness.state === "behind") return Exit.notVerified
  return report.gaps.length === 0 ? Exit.done : Exit.inPart
})

const requireFormat = Effect.fn("restore.requireFormat")(function*(format: string) {
  const availability = Object.hasOwn(formats, format) ? formats[format] : undefined
  if (availability === "now") return
  return yield* new EngineFailure({
    reason: "UnknownFormat",
    method: "restore",
    subject: format,
    ...(availability === "later" ? { detail: "it comes with a later release" } : {})
  })
})
