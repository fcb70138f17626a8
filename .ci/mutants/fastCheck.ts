/**
 * What the tests get for fast-check while mutants are run: the same, with no more than thirty cases a property. What
 * a property needs thousands for, a mutant seldom does.
 */
import * as fc from "../../node_modules/fast-check/lib/fast-check.js"

export * from "../../node_modules/fast-check/lib/fast-check.js"

const CASES = 30

export const assert: typeof fc.assert = (property, options) =>
  fc.assert(property, { ...options, numRuns: Math.min(CASES, options?.numRuns ?? CASES) } as never)
