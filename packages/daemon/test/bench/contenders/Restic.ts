/** restic, with its own defaults. */
import { Effect } from "effect"
import { join } from "node:path"
import { run } from "../../support/Process.ts"
import { meteredOther } from "../Metered.ts"
import type { Arena, Contender, Entrant } from "./Contender.ts"

export const restic: Entrant = {
  name: "restic",
  version: Effect.map(
    run(["restic", "version"], { bare: true }),
    ({ code, out }) => code === 0 ? /^restic \S+/.exec(out)?.[0] : undefined
  ),
  enter: Effect.fn("bench.enterRestic")(function*({ folder, store }: Arena) {
    const vault = join(folder, "repository")
    const environment = {
      RESTIC_PASSWORD: "correct horse battery staple 42",
      RESTIC_REPOSITORY: vault,
      RESTIC_CACHE_DIR: join(folder, "cache")
    }
    const metered = (...words: ReadonlyArray<string>) =>
      meteredOther(["restic", "--quiet", ...words], { environment, folder, figures: join(folder, "figures") })
    yield* metered("init")
    const contender: Contender = {
      name: "restic",
      vault,
      backup: metered("backup", store.path),
      restore: (to) =>
        Effect.map(
          metered("restore", "latest", "--target", to),
          (done) => ({ ...done, restored: join(to, store.path) })
        ),
      check: metered("check", "--read-data")
    }
    return contender
  })
}
