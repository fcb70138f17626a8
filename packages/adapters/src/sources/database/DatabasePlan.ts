/** What a pass looks at: the pages that are not as they were when they were last looked at, or may not be. */
import { SourceError, type SourceState } from "@sealog/core/backup/Source"
import { Effect } from "effect"
import { ask } from "../../threads/Thread.ts"
import { breathe } from "../Breath.ts"
import { differing, nextRow, pagesFrom, type Table } from "./DatabaseScan.ts"
import { isSound, newestPage, pagesIn } from "./DatabaseTable.ts"
import type { LiveDatabase } from "./LiveDatabase.ts"
import { pageOf, strongIn } from "./Pages.ts"
import type { Plan } from "./Schedule.ts"

/** How many of the newest rows are scanned often: those that are still edited, and reacted to. */
const RECENT_PAGES = 16

/** The pages to look at: those that are not as they were, or may not be. */
export const pagesToLookAt = Effect.fnUntraced(function*(
  database: LiveDatabase,
  state: SourceState,
  plan: Exclude<Plan, "nothing">
) {
  const known = plan === "all" ? pagesIn(state) : undefined
  if (known !== undefined && known.length > 0) return yield* scan(database, state, known)
  const newest = newestPage(state)
  return yield* database.look((reader, queries) => {
    const first = newest === undefined ? nextRow(queries, reader, Number.MIN_SAFE_INTEGER) : undefined
    const from = newest ?? (first === undefined ? undefined : pageOf(first))
    const later = from === undefined ? [] : [...pagesFrom(queries, reader, from)]
    if (newest === undefined) return later
    const recent = Array.from({ length: plan === "recent" ? RECENT_PAGES : 1 }, (_, n) => newest - n).toReversed()
    return [...new Set([...recent, ...later])]
  })
})

/** Scans all rows, in another thread where the database is read in its place. */
const scan = Effect.fnUntraced(function*(database: LiveDatabase, state: SourceState, pages: ReadonlyArray<number>) {
  const looks = (page: number) => isSound(state) ? strongIn(state.get(`d:${page}`)) : undefined
  const known = new Map(pages.map((page) => [page, looks(page) ?? ""]))
  const table = yield* database.look(({ column, marks, table: name }): Table => ({ column, marks, table: name }))
  const here = Effect.zipRight(breathe, database.look((_, queries) => differing(queries, table, known)))
  if (database.isCopy() || pages.length <= RECENT_PAGES) return yield* here
  const answer = yield* ask("scan", { message: { path: database.path, table, known }, transfer: [] })
  if ("pages" in answer) return answer.pages
  return yield* new SourceError({
    reason: "Unreadable",
    method: "scan",
    subject: database.path,
    cause: { message: answer.failed, errcode: answer.code }
  })
})
