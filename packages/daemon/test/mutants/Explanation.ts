/** What an explanation of a mutant that survives is, and what kinds there are. */
import { partsOf } from "./Survivors.ts"

export interface Explanation {
  readonly kind: string
  readonly why: string
  readonly covers: (survivor: string) => boolean
}

/** Each mutant as `File.ts | Mutator | what stands there`, or with ` → what stood there instead` where only that may. */
export const explain = (kind: string, why: string, ...mutants: ReadonlyArray<string>): Explanation => {
  const keys = new Set(mutants)
  return {
    kind,
    why,
    covers: (survivor) => {
      const { file, mutated, mutator, original } = partsOf(survivor)
      const key = `${file.split("/").at(-1)} | ${mutator} | ${original}`
      return keys.has(key) || keys.has(`${key} → ${mutated}`)
    }
  }
}

export const SAME = "The same, whatever comes"
export const TEXT = "Another text for people"
export const COST = "The same, at another cost"
