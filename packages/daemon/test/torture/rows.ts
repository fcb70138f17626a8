/** Every row there is a harness for, in the order of the scoreboard. */
import type { Row } from "./Row.ts"
import { bitRot } from "./rows/BitRot.ts"
import { boundedParsers } from "./rows/BoundedParsers.ts"
import { clone } from "./rows/Clone.ts"
import { eightDaemons } from "./rows/EightDaemons.ts"
import { fullDisk } from "./rows/FullDisk.ts"
import { ioError } from "./rows/IoError.ts"
import { kdfBounds } from "./rows/KdfBounds.ts"
import { kill } from "./rows/Kill.ts"
import { knownAnswers } from "./rows/KnownAnswers.ts"
import { lostFiles } from "./rows/LostFiles.ts"
import { nonces } from "./rows/Nonces.ts"
import { powerCut } from "./rows/PowerCut.ts"
import { rollback } from "./rows/Rollback.ts"
import { simulation } from "./rows/Simulation.ts"
import { sizes } from "./rows/Sizes.ts"
import { slotAttack } from "./rows/SlotAttack.ts"
import { swap } from "./rows/Swap.ts"
import { tamper } from "./rows/Tamper.ts"

export const rows: ReadonlyArray<Row> = [
  kill,
  powerCut,
  ioError,
  fullDisk,
  eightDaemons,
  bitRot,
  lostFiles,
  clone,
  simulation,
  tamper,
  swap,
  rollback,
  slotAttack,
  nonces,
  knownAnswers,
  sizes,
  boundedParsers,
  kdfBounds
]
