/** Every row there is, in the order of the table. */
import type { Row } from "./Row.ts"
import { mailboxRows } from "./rows/Mailbox.ts"

export const rows: ReadonlyArray<Row> = [
  ...mailboxRows
]
