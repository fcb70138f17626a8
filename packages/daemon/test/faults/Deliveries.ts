/** Mails that the generator does not make. */
import * as fs from "node:fs"
import { join } from "node:path"
import { randomOf } from "./Trials.ts"

/** A mail of so many random words; by itself it goes into blobs, which must be at the target before their segment. */
export const deliverLarge = (mail: string, seed: number, words = 13_000): void => {
  const random = randomOf(`large ${seed}`)
  const text = Array.from({ length: words }, () => random().toString(36).slice(2, 12)).join("\n")
  const name = `${1_700_000_000 + (seed % 1e6)}.M${seed}P9.large`
  fs.writeFileSync(join(mail, "tmp", name), `From: ada@sample.example\nSubject: large ${seed}\n\n${text}\n`)
  fs.renameSync(join(mail, "tmp", name), join(mail, "new", name))
}
