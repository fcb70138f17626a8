/** Writes the vectors of `KeyVectors` into `docs/vectors`: `node .ci/ts.mjs packages/core/test/vectors/writeKeyVectors.ts` */
import { Effect } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { makeKeyVectors } from "./KeyVectors.ts"

for (const { bytes, path } of await Effect.runPromise(makeKeyVectors)) {
  const file = join("docs/vectors", path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, bytes)
}
