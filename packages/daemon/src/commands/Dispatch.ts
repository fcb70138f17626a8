/**
 * From an understood command line to the command itself, whose module is loaded only now.
 */
import { Effect } from "effect"
import type { Invocation } from "../Arguments.ts"
import type { Running } from "./Command.ts"

export const dispatch = ({ arguments: args, flags }: Invocation): Running => {
  switch (args.command) {
    case "init":
      return load(() => import("./Init.ts"), (module) => module.command(args, flags))
    case "sync":
      return load(() => import("./Sync.ts"), (module) => module.command({ ...args, command: "sync" }, flags))
    case "run":
      return load(() => import("./Run.ts"), (module) => module.command({ ...args, command: "run" }, flags))
    case "status":
      return load(() => import("./Status.ts"), (module) => module.command(args, flags))
    case "restore":
      return load(() => import("./Restore.ts"), (module) => module.command(args, flags))
    case "verify":
      return load(() => import("./Verify.ts"), (module) => module.command(args, flags))
    case "drill":
      return load(() => import("./Drill.ts"), (module) => module.command(args, flags))
    case "drill history":
      return load(() => import("./DrillHistory.ts"), (module) => module.command(args, flags))
    case "drill verify":
      return load(() => import("./DrillVerify.ts"), (module) => module.command(args, flags))
    case "log":
      return load(() => import("./Log.ts"), (module) => module.command(args, flags))
    case "fingerprint":
      return load(() => import("./Fingerprint.ts"), (module) => module.command(args, flags))
    case "source list":
      return load(() => import("./SourceList.ts"), (module) => module.command(args, flags))
    case "source detect":
      return load(() => import("./SourceDetect.ts"), (module) => module.command(args, flags))
    case "source dump":
      return load(() => import("./SourceDump.ts"), (module) => module.command(args))
    case "target list":
      return load(() => import("./TargetList.ts"), (module) => module.command(args, flags))
    case "target add":
      return load(() => import("./TargetAdd.ts"), (module) => module.command(args, flags))
    case "target remove":
      return load(() => import("./TargetRemove.ts"), (module) => module.command(args, flags))
    case "target check":
      return load(() => import("./TargetCheck.ts"), (module) => module.command(args, flags))
    case "target new":
      return load(() => import("./TargetNew.ts"), (module) => module.command(args, flags))
    case "service install":
      return load(() => import("./ServiceInstall.ts"), (module) => module.command(args, flags))
  }
}

/** A module of the program that cannot be loaded is a broken installation: a bug, with its cause. */
const load = <Module>(module: () => Promise<Module>, start: (module: Module) => Running): Running =>
  Effect.flatMap(Effect.promise(module), start)
