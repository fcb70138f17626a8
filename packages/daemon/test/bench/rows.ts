/** Every row there is, in the order of the table. */
import type { Row } from "./Row.ts"
import { chatRows } from "./rows/Chat.ts"
import { compactionRows } from "./rows/Compaction.ts"
import { chatDaemonRows, daemonRows } from "./rows/Daemon.ts"
import { limitRows } from "./rows/Limits.ts"
import { mailboxRows } from "./rows/Mailbox.ts"
import { pipelineRows } from "./rows/Pipeline.ts"
import { placeRows } from "./rows/Places.ts"
import { stageRows } from "./rows/Stages.ts"
import { startRows } from "./rows/Start.ts"

export const rows: ReadonlyArray<Row> = [
  ...mailboxRows,
  ...daemonRows,
  ...chatRows,
  ...chatDaemonRows,
  ...placeRows,
  ...pipelineRows,
  ...compactionRows,
  ...startRows,
  ...limitRows,
  ...stageRows
]
