/** borg, encrypted with the faster of its ciphers' modes and compressed by zstd at its default level, 3. */
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { run } from "../../support/Process.ts"
import { meteredOther } from "../Metered.ts"
import type { Arena, Contender, Entrant } from "./Contender.ts"

export const borg: Entrant = {
  name: "borg",
  version: Effect.map(
    run(["borg", "--version"], { bare: true }),
    ({ code, out }) => code === 0 ? out.trim() : undefined
  ),
  enter: Effect.fn("bench.enterBorg")(function*({ folder, store }: Arena) {
    const vault = join(folder, "repository")
    const environment = {
      BORG_PASSPHRASE: "correct horse battery staple 42",
      BORG_REPO: vault,
      BORG_BASE_DIR: join(folder, "base")
    }
    const metered = (words: ReadonlyArray<string>, at = folder) =>
      meteredOther(["borg", ...words], { environment, folder: at, figures: join(folder, "figures") })
    yield* metered(["init", "--encryption", "repokey-blake2"])
    let archives = 0
    const contender: Contender = {
      name: "borg",
      vault,
      backup: Effect.suspend(() =>
        metered(["create", "--compression", "zstd,3", `::archive-${++archives}`, store.path])
      ),
      restore: Effect.fn("bench.borgExtract")(function*(to: string) {
        fs.mkdirSync(to)
        const done = yield* metered(["extract", `::archive-${archives}`], to)
        return { ...done, restored: join(to, store.path) }
      }),
      check: metered(["check", "--verify-data"])
    }
    return contender
  })
}
