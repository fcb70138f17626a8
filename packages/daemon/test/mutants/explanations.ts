/**
 * Why mutants that survive may. Written by hand, for a file, a mutator and the original text; a mutant that nothing here
 * covers is shown as unexplained.
 */
import type { Survivor } from "./Survivors.ts"

export interface Explanation {
  readonly kind: string
  readonly why: string
  readonly covers: (survivor: Survivor) => boolean
}

/** Each mutant as `File.ts | Mutator | original text`, the text as mutants.json has it. */
const explain = (kind: string, why: string, ...mutants: ReadonlyArray<string>): Explanation => {
  const keys = new Set(mutants)
  return {
    kind,
    why,
    covers: ({ file, mutator, original }) => keys.has(`${file.split("/").at(-1)} | ${mutator} | ${original}`)
  }
}

const SAME = "The same, whatever comes"

export const explanations: ReadonlyArray<Explanation> = [
  explain(SAME, "placeholder")
]
