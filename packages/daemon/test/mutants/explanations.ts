/**
 * Why mutants that survive may. Written by hand, for a file, a mutator and the original text; a mutant that nothing here
 * covers is shown as unexplained.
 */
import { partsOf } from "./Survivors.ts"

export interface Explanation {
  readonly kind: string
  readonly why: string
  readonly covers: (survivor: string) => boolean
}

/** Each mutant as `File.ts | Mutator | what stands there`, or with ` → what stood there instead` where only that may. */
const explain = (kind: string, why: string, ...mutants: ReadonlyArray<string>): Explanation => {
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

const SAME = "The same, whatever comes"
const COST = "The same, at another cost"

export const explanations: ReadonlyArray<Explanation> = [
  explain(
    SAME,
    "Both indices halve together: where the inner loop begins, `at` is odd or equal to `last`, and `last` is not 0",
    "MerkleTree.ts | ConditionalExpression | at !== 0"
  ),
  explain(
    SAME,
    "Without a path for a size that is no power of two, `last` stays above 0, and the claim is refused at the end",
    "MerkleTree.ts | ConditionalExpression | start === undefined"
  ),
  explain(
    SAME,
    "The limit is no whole number, so none can be equal to it",
    "MerkleLog.ts | EqualityOperator | leaves > LOG_EVENTS / LEAF_EVENTS"
  ),
  explain(
    SAME,
    "A default for the types: splitting a text always gives a first part",
    "Fingerprint.ts | StringLiteral | \"\""
  ),
  explain(
    COST,
    "The size of a buffer that grows as it must, or when it is given up",
    "MerkleLog.ts | ArithmeticOperator | 16 * 1024",
    "MerkleLog.ts | ArithmeticOperator | 1024 * 1024",
    "MerkleLog.ts | ArithmeticOperator | range.peaks.length * HASH_BYTES",
    "MerkleLog.ts | EqualityOperator | end > this.open.length → end >= this.open.length",
    "MerkleLog.ts | ConditionalExpression | this.open.length > KEPT_LEAF_BYTES",
    "MerkleLog.ts | EqualityOperator | this.open.length > KEPT_LEAF_BYTES",
    "MerkleLog.ts | ArithmeticOperator | this.open.length * 2",
    "MerkleLog.ts | ArrowFunction | (sum, event) => sum + 4 + event.length"
  )
]
