/**
 * A check of the whole journal in parts, small enough to be made beside everything else: first every table's checksums,
 * so that LevelDB is not asked for what would end the process, then the entries of each log, then what is kept beside
 * them. A part begins where the one before ended, in a later opening too.
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import type { JournalError, JournalFinding, JournalHead, JournalShape } from "@sealog/core/backup/Journal"
import { Effect, Stream } from "effect"
import { beginCheck, type Checker, type Checking, scrubSome } from "./LevelCheck.ts"
import { checkTable, tablesOf } from "./LevelFiles.ts"

interface Scrubbing extends Omit<Checking, "log"> {
  readonly fs: FileSystem
  /** The folder of LevelDB. */
  readonly folder: string
  /** Each with its head as it is when asked. */
  readonly logs: Effect.Effect<ReadonlyArray<Checking["log"] & { readonly head: JournalHead }>>
  readonly rest: Stream.Stream<JournalFinding, JournalError>
}

export const makeScrubPart = (scrubbing: Scrubbing): JournalShape["scrubPart"] => {
  const { fs, folder, logs, rest } = scrubbing
  /** What the last part left off with, for the next one to go on. */
  let kept: { readonly at: string; readonly checker: Checker } | undefined

  /** The tables behind one of a number, until the bytes are used up. */
  const scrubTables = Effect.fn("LevelScrub.tables")(function*(after: number, bytes: number) {
    const findings: Array<JournalFinding> = []
    let left = bytes
    for (const { name, number } of yield* tablesOf(fs, folder)) {
      if (number <= after) continue
      if (left <= 0) return { findings, next: `table ${after}` }
      const checked = yield* Effect.either(checkTable(fs, folder, name))
      if (checked._tag === "Right") left -= checked.right
      else if (checked.left.reason === "Corrupt") findings.push({ ...(yield* allEvents), error: checked.left })
      else return yield* checked.left
      after = number
    }
    return { findings, next: "log 0 0" }
  })

  const scrubEntries = Effect.fn("LevelScrub.entries")(function*(number: number, event: number, bytes: number) {
    const log = (yield* logs).find((each) => each.number === number)
    if (log === undefined) return { findings: [], next: "rest" }
    const checking: Checking = { ...scrubbing, log }
    const at = `log ${number} ${event}`
    let checker = kept?.at === at ? kept.checker : beginCheck(checking, event)
    kept = undefined
    const findings: Array<JournalFinding> = []
    for (let left = bytes; left > 0;) {
      const part = yield* scrubSome(checking, log.head, checker, left)
      findings.push(...part.findings)
      if (part.next === undefined) return { findings, next: `log ${number + 1} 0` }
      checker = part.next
      left -= Math.max(part.bytes, LEAST_BYTES)
    }
    const next = `log ${number} ${checker.next()}`
    kept = { at: next, checker }
    return { findings, next }
  })

  const allEvents = Effect.map(logs, (all) => ({ first: 0, last: Math.max(0, (all.at(-1)?.head.size ?? 1) - 1) }))

  return ({ bytes, from }) => {
    const [kind = "", first = "0", second = "0"] = (from ?? "table 0").split(" ")
    if (kind === "table") return scrubTables(Number(first), bytes)
    if (kind === "log") return scrubEntries(Number(first), Number(second), bytes)
    return Effect.map(Stream.runCollect(rest), (findings) => ({ findings: [...findings], next: undefined }))
  }
}

/** What a step counts for at least, so that a part ends however small its blocks are, bytes. */
const LEAST_BYTES = 16 * 1024
