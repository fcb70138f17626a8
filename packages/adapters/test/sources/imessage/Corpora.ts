/** Other people's samples of the store, where they are at hand; they are not part of the repository. */
import { it } from "@effect/vitest"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const repository = join(dirname(fileURLToPath(import.meta.url)), "../../../../..")
const corpora = process.env["SEALOG_CORPORA"] ?? join(repository, "../shared/corpora")

export const corpusPath = (path: string): string => join(corpora, path)

/** A test that needs a sample; skipped, with a word of why, where it is not here. */
export const when = (path: string): (name: string, test: () => void | Promise<void>, millis?: number) => void => {
  const isThere = fs.existsSync(corpusPath(path))
  if (!isThere) console.warn(`skipped: no corpus at ${corpusPath(path)}; set SEALOG_CORPORA to where the corpora are`)
  return isThere ? it : it.skip
}
