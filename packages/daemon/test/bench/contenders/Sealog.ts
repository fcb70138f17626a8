/** sealog as built, with the key derivation that its users have. */
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { bundled } from "../../support/Bundled.ts"
import { run } from "../../support/Process.ts"
import { startDaemon } from "../LiveDaemon.ts"
import { type Metered, meteredNode, NO_DERIVATION } from "../Metered.ts"
import type { Arena, Arriving, Contender, Entrant } from "./Contender.ts"

export const PASSWORD = "correct horse battery staple 42"

export const sealog: Entrant = {
  name: "sealog",
  version: Effect.map(run(["--version"]), ({ code, out }) => code === 0 ? `sealog ${out.trim()}` : undefined),
  enter: Effect.fn("bench.enterSealog")(function*(arena: Arena) {
    const { environment, initWords, vault } = homeIn(arena)
    const meter = yield* bundled("bench/processes/meter.ts")
    const metered = (words: ReadonlyArray<string>) => meteredNode(words, { environment, meter, folder: arena.folder })
    yield* metered(initWords)
    const contender: Contender = {
      name: "sealog",
      vault,
      backup: metered(["sync"]),
      restore: (to) =>
        Effect.map(
          metered(["restore", "--from", `disk:${vault}`, "--to", to, "--format", arena.store.format]),
          (done) => ({ ...done, restored: join(to, arena.store.restored) })
        ),
      check: metered(["drill"]),
      rehearse: metered(["drill"]),
      live: Effect.fn("bench.sealogLive")(function*(arriving: Arriving) {
        const daemon = yield* startDaemon({ environment, folder: arena.folder })
        yield* daemon.quiet
        const events = yield* daemon.shipped(0)
        yield* daemon.setBack
        const from = { cpuSeconds: yield* daemon.cpuSeconds, millis: performance.now() }
        yield* daemon.shipped(events + (yield* arriving))
        const measured: Metered = {
          seconds: (performance.now() - from.millis) / 1_000,
          cpuSeconds: (yield* daemon.cpuSeconds) - from.cpuSeconds,
          peakBytes: yield* daemon.peakBytes,
          derivation: NO_DERIVATION,
          out: ""
        }
        yield* daemon.stop
        return measured
      }, Effect.scoped)
    }
    return contender
  })
}

/** A home in an arena's folder, not initialised yet; its vault lies there too, if at no other place. */
export const homeIn = ({ folder, kdfMemoryMiB, store }: Arena, target?: string) => {
  const passwordFile = join(folder, "password")
  fs.writeFileSync(passwordFile, `${PASSWORD}\n`)
  const vault = join(folder, "vault")
  return {
    vault,
    environment: { SEALOG_HOME: join(folder, "home"), SEALOG_PASSWORD_FILE: passwordFile },
    initWords: [
      "init",
      "--source",
      store.spec,
      "--target",
      target ?? `disk:${vault}`,
      "--no-recovery-code",
      ...(kdfMemoryMiB === undefined ? [] : ["--kdf-memory", String(kdfMemoryMiB)])
    ]
  }
}
