/** Every row there is a harness for, in the order of the scoreboard. */
import type { Row } from "./Row.ts"
import { kdfBounds } from "./rows/KdfBounds.ts"
import { powerCut } from "./rows/PowerCut.ts"

export const rows: ReadonlyArray<Row> = [
  powerCut,
  kdfBounds
]
