/**
 * The reports as a person reads them: what matters first, one thing a line, no decoration that says nothing. Every
 * function is pure, so that the tests show exactly what appears on the screen.
 */
import type * as Reports from "../Reports.ts"
import { safe, type Style, table } from "./Style.ts"
import { ago, bytes, count, counted, duration } from "./Units.ts"

export interface View {
  readonly style: Style
  readonly nowMillis: number
}

/** One report to one text, ending in a line break. */
export type Present<Report> = (report: Report, view: View) => string

const RIGHT = { align: "right" } as const

export const init: Present<Reports.InitReport> = (report, { style }) =>
  lines(
    style.bold("Your vault is made."),
    "",
    table([
      ...report.sources.map((
        source,
        at
      ) => [at === 0 ? "backs up" : "", style.bold(safe(source.name)), safe(source.spec)]),
      ...report.targets.map((target, at) => [at === 0 ? "to" : "", style.bold(safe(target.name)), safe(target.spec)])
    ]),
    "",
    "Without the password or the recovery code nobody, and that includes us, can open this.",
    report.recoveryCodeFile === undefined
      ? undefined
      : `The recovery code is in ${safe(report.recoveryCodeFile)}: keep it elsewhere.`,
    "",
    style.dim("Next: sealog sync")
  )

export const sync: Present<Reports.SyncReport> = (report, { style }) => {
  const isSafe = report.targets.every((target) => target.state === "current")
  const isOnlyQueued = report.targets.every(({ durability }) => durability === "queued")
  const isRead = report.sources.every((source) => source.error === undefined && source.gaps === 0)
  const isCounted = report.sources.every(({ ledger }) => ledger === undefined || ledger.mismatched === 0)
  const isWhole = isRead && isCounted
  const headline = isSafe && isRead && !isCounted
    ? style.warn("What was read is safe, but it does not add up to what is there.")
    : isSafe && isWhole && !isOnlyQueued && lackingOf(report.sources) > 0
    ? style.good("Everything that is here is safe.")
    : isSafe && isOnlyQueued && isWhole
    ? style.warn("Everything is queued: what uploads it is another program.")
    : isSafe && isWhole
    ? style.good("Everything is safe.")
    : isSafe
    ? style.warn("What could be read is safe; some of it could not.")
    : style.warn("Everything read is in the journal, but not yet at every target.")
  return lines(
    `${headline} ${captured(report.captured.events)}, ${count(report.treeSize)} in all, in ${
      duration(report.seconds)
    }.`,
    "",
    table([
      ...report.sources.map((source) => [
        style.bold(safe(source.name)),
        source.error === undefined ? style.good("read") : style.bad("failed"),
        source.error === undefined ? counted(source.events, "new event") : safe(source.error.message),
        source.error === undefined ? gaps(source.gaps, style) : style.dim(safe(source.error.hint)),
        attachmentsIn(source.ledger, style)
      ]),
      ...report.targets.map((target) => [
        style.bold(safe(target.name)),
        targetState(target, style),
        target.objects === 0 ? "nothing sent" : `${counted(target.objects, "object")}, ${bytes(target.bytes)} sent`,
        target.behindEvents === 0 ? "" : style.warn(`${counted(target.behindEvents, "event")} behind`),
        target.error === undefined ? "" : style.dim(safe(target.error.hint))
      ])
    ]),
    ...report.warnings.flatMap(({ hint, message }) => ["", style.warn(safe(message)), `  ${style.dim(safe(hint))}`])
  )
}

/** Attachments whose content the log lacks. */
const lackingOf = (sources: ReadonlyArray<{ readonly ledger?: Reports.LedgerReport | undefined }>): number =>
  sources.reduce((sum, { ledger }) => sum + (ledger === undefined ? 0 : missingIn(ledger)), 0)

const missingIn = ({ attachments: { missing } }: Reports.LedgerReport): number =>
  missing.reduce((sum, { count: many }) => sum + many, 0)

const attachmentsIn = (ledger: Reports.LedgerReport | undefined, style: Style): string => {
  const lacking = ledger === undefined ? 0 : missingIn(ledger)
  return lacking === 0 ? "" : style.warn(`${counted(lacking, "attachment")} not taken: see sealog status`)
}

export const status: Present<Reports.StatusReport> = (report, view) => {
  const { style } = view
  return lines(
    `${running(report, style)}  ${style.bold(counted(report.treeSize, "event"))}  ${
      style.dim(report.root.slice(0, 16))
    }`,
    "",
    style.dim("sources"),
    table(
      report.sources.map((source) => [
        style.bold(safe(source.name)),
        sourceState(source.state, style),
        count(source.events),
        source.lastEventAt === null ? "never" : ago(source.lastEventAt, view.nowMillis),
        gaps(source.gaps, style)
      ]),
      [{}, {}, RIGHT]
    ),
    ...report.sources.flatMap(({ ledger, name }) => ledger === undefined ? [] : ledgerLines(name, ledger, view)),
    "",
    style.dim("targets"),
    table(
      report.targets.map((target) => [
        style.bold(safe(target.name)),
        targetState(target, style),
        counted(target.objects, "object"),
        bytes(target.bytes),
        target.behindEvents === 0
          ? target.durability === "queued" ? "queued, not known to be backed up yet: another program uploads it" : ""
          : style.warn(`${counted(target.behindEvents, "event")} behind for ${duration(target.behindSeconds)}`)
      ]),
      [{}, {}, RIGHT, RIGHT]
    ),
    "",
    table([
      ["lost if this machine broke now", exposure(report.rpoSeconds, style)],
      [
        "last drill",
        report.lastDrill === null ? style.warn("none yet: sealog drill") : drillInShort(report.lastDrill, view)
      ]
    ]),
    ...warnings(report.warnings, style)
  )
}

/** Both counts, and what of the attachments is where; nothing here says that all is there unless it adds up. */
const ledgerLines = (name: string, ledger: Reports.LedgerReport, { nowMillis, style }: View): ReadonlyArray<string> => {
  const { attachments, conversations, inLog, inStore, mismatched, skipped } = ledger
  const both = `${counted(inStore, "message")} in the store, ${count(inLog)} in the log, in ${
    counted(conversations, "conversation")
  }, counted ${ago(ledger.at, nowMillis)}`
  const files = attachments.referenced === 0
    ? []
    : [
      `${counted(attachments.referenced, "attachment")}, ${count(attachments.stored)} stored`,
      ...attachments.missing.map(({ count: many, reason }) => `${count(many)} ${safe(reason)}`)
    ]
  const unexplained = attachments.unexplained ?? 0
  const lost = unexplained === 0 ? [] : [`  ${style.warn(`${count(unexplained)} of which the log says nothing`)}`]
  const left = skipped.map(({ count: many, reason }) => `${count(many)} left out: ${safe(reason)}`)
  return [
    "",
    `${style.bold(safe(name))}  ${mismatched === 0 ? style.dim(both) : style.warn(both)}`,
    ...files.map((text) => `  ${style.dim(text)}`),
    ...lost,
    ...placesIn(ledger).map((text) => `    ${style.dim(text)}`),
    ...left.map((text) => `  ${style.dim(text)}`)
  ]
}

/** Where files are missing, for who has the key: conversations that lack most first. */
const placesIn = ({ counts = [] }: Reports.LedgerReport): ReadonlyArray<string> => {
  const places = counts.flatMap(({ attachments, conversation, title }) => {
    if (attachments === undefined) return []
    const { missing, referenced, unexplained } = attachments
    const lacking = missing.reduce((sum, { count: many }) => sum + many, unexplained)
    const text = `${safe(title ?? conversation)}: ${count(lacking)} of ${counted(referenced, "attachment")} not stored`
    return lacking === 0 ? [] : [{ lacking, text }]
  }).toSorted((a, b) => b.lacking - a.lacking)
  const rest = places.length - MOST_PLACES
  const more = rest <= 0 ? [] : [`and ${counted(rest, "conversation")} more: sealog status --json`]
  return [...places.slice(0, MOST_PLACES).map(({ text }) => text), ...more]
}

const MOST_PLACES = 5

export const restore: Present<Reports.RestoreReport> = (report, view) => {
  const { style } = view
  return lines(
    report.freshness.state === "behind"
      ? style.bad(`Restored ${counted(report.messages, "message")}, of an older state than there should be.`)
      : report.gaps.length === 0
      ? style.good(`Restored ${counted(report.messages, "message")}, all of them proven.`)
      : style.warn(
        `Restored ${counted(report.messages, "message")}; ${counted(report.gaps.length, "part")} could not be restored.`
      ),
    "",
    table([
      [
        "written",
        counted(report.written, "message"),
        report.removed === 0 ? "" : `${counted(report.removed, "message")} removed`
      ],
      ...(report.attachments === undefined ? [] : [["attachments", counted(report.attachments, "file"), ""]]),
      ["read", counted(report.objectsRead, "object"), bytes(report.bytesRead)],
      [
        "from",
        counted(report.writers, "machine"),
        `${counted(report.treeSize, "event")}, in ${duration(report.seconds)}`
      ]
    ]),
    "",
    freshness(report.freshness, view),
    ...findings(report.gaps, style),
    ...warnings(report.warnings, style)
  )
}

export const verify: Present<Reports.VerifyReport> = (report, view) => {
  const { style } = view
  const depth = { names: "every object and its place in the log", sample: "a share of the data", data: "every byte" }
  return lines(
    report.findings.length === 0
      ? `${
        report.warnings.length === 0
          ? style.good("Nothing is wrong.")
          : style.warn("Nothing is wrong at what answered.")
      } Checked ${depth[report.depth]}, in ${duration(report.seconds)}.`
      : style.bad(`${counted(report.findings.length, "thing")} did not verify.`),
    "",
    table(
      report.targets.map((target) => [
        style.bold(safe(target.name)),
        counted(target.objects, "object"),
        counted(target.treeSize, "event"),
        `${bytes(target.bytesRead)} read`,
        style.dim(target.root.slice(0, 16))
      ]),
      [{}, RIGHT, RIGHT, RIGHT]
    ),
    ...report.targets.map((target) => freshness(target.freshness, view)).filter((text, at, all) =>
      all.indexOf(text) === at
    ),
    ...findings(report.findings, style),
    ...warnings(report.warnings, style)
  )
}

export const drill: Present<Reports.DrillReport> = (report, view) => {
  const { style } = view
  const against = report.compared.length === 0 ? "nothing" : `the ${report.compared.join(", the ")}`
  return lines(
    report.outcome === "passed" ? style.good("The drill passed.") : style.bad("The drill did not pass."),
    "",
    table([
      [
        "restored",
        counted(report.messages, "message"),
        `${counted(report.treeSize, "event")} from ${safe(report.target.name)}`
      ],
      ["compared with", against],
      ["read", counted(report.objectsRead, "object"), `${bytes(report.bytesRead)}, in ${duration(report.seconds)}`],
      ["a full restore", report.rtoSeconds === null ? "not measured yet" : `about ${duration(report.rtoSeconds)}`],
      ["lost if this machine broke", exposure(report.rpoSeconds, style)]
    ]),
    "",
    freshness(report.freshness, view),
    report.fingerprint === undefined ? undefined : `${style.dim("fingerprint")}  ${report.fingerprint}`,
    ...findings(report.findings, style)
  )
}

export const drillHistory: Present<Reports.DrillHistoryReport> = (report, view) =>
  report.drills.length === 0
    ? lines("No drill has run yet: sealog drill")
    : lines(table(report.drills.map((one) => [one.at, drillInShort(one, view), safe(one.target), one.mode])))

export const drillVerify: Present<Reports.DrillVerifyReport> = (report, view) =>
  lines(
    report.authentic
      ? `${view.style.good("The receipt is genuine.")} ${
        report.receipt === null ? "" : drillInShort(report.receipt, view)
      }`.trimEnd()
      : view.style.bad("The receipt is not what a drill of this vault wrote."),
    ...findings(report.findings, view.style)
  )

export const fingerprint: Present<Reports.FingerprintReport> = (report, { style }) =>
  lines(
    style.bold(report.fingerprint),
    "",
    style.dim("Keep it on paper. A restore that is given it fails if the vault is older:"),
    style.dim(`sealog restore --expect-fingerprint "${report.fingerprint}" …`)
  )

export const logLine: Present<Reports.LogLine> = (line, { style }) => {
  const said = line.body["message"]
  const message = typeof said === "object" && said !== null ? said as Record<string, unknown> : line.body
  const text = [message["subject"], message["text"], message["key"]].find((part) => typeof part === "string")
  const where = line.conversation === "" ? line.source : `${line.source}/${line.conversation}`
  return `${style.dim(String(line.index).padStart(8))}  ${line.recordedAt}  ${safe(where)}  ${style.bold(line.kind)}${
    typeof text === "string" ? `  ${safe(text).slice(0, 120)}` : ""
  }\n`
}

export const sources: Present<Reports.SourceListReport> = ({ sources: all }, { style }) =>
  lines(table(all.map((one) => [style.bold(safe(one.name)), safe(one.spec)])))

export const targets: Present<Reports.TargetListReport> = ({ targets: all }, { style }) =>
  lines(table(all.map((one) => [style.bold(safe(one.name)), safe(one.spec)])))

export const targetAdded: Present<Reports.TargetAddReport> = ({ heldVault, target, treeSize }, { style }) =>
  lines(
    `${style.bold(safe(target.name))} is a target from now on: ${safe(target.spec)}`,
    heldVault ? "It holds this vault already; what is missing there is added." : undefined,
    style.dim(`Next: sealog sync brings it up to ${counted(treeSize, "event")}; a running daemon does so by itself.`)
  )

export const targetRemoved: Present<Reports.TargetRemoveReport> = ({ target }, { style }) =>
  lines(
    `${style.bold(safe(target.name))} is no target any more.`,
    `What lies at ${safe(target.spec)} stays there, and opens as before: remove it yourself if it is to go.`
  )

export const detected: Present<Reports.SourceDetectReport> = ({ found }, { style }) =>
  found.length === 0
    ? lines("No store was found in the usual places: name one as maildir:PATH")
    : lines(
      table(found.map((one) => [style.bold(one.kind), safe(one.spec)])),
      ...found.flatMap(({ kind, missing }) => missing === undefined ? [] : [`${style.warn(kind)}: ${missing}`])
    )

export const service: Present<Reports.ServiceReport> = (report) => report.text

const captured = (events: number): string => events === 0 ? "Nothing new" : counted(events, "new event")

const lines = (...parts: ReadonlyArray<string | undefined>): string =>
  `${parts.filter((part) => part !== undefined).join("\n")}\n`

const running = (report: Reports.StatusReport, style: Style): string => {
  if (!report.running) return style.dim("not running")
  if (report.locked) return style.warn("locked")
  return style.good(report.pid === undefined ? "running" : `running (pid ${report.pid})`)
}

const targetState = (
  { durability, state }: Pick<Reports.StatusReport["targets"][number], "durability" | "state">,
  style: Style
): string =>
  state === "current"
    ? durability === "queued" ? style.warn("queued") : style.good(state)
    : state === "behind"
    ? style.warn(state)
    : style.bad(state)

const sourceState = (state: Reports.SourceState, style: Style): string =>
  state === "current" ? style.good(state) : state === "failed" ? style.bad(state) : style.warn(state)

const gaps = (amount: number, style: Style): string =>
  amount === 0 ? "" : style.warn(`${count(amount)} could not be read`)

const exposure = (seconds: number | null, style: Style): string =>
  seconds === null
    ? style.warn("not known yet")
    : seconds === 0
    ? style.good("nothing")
    : style.warn(`the last ${duration(seconds)}`)

const drillInShort = (drilled: Reports.LastDrill, { nowMillis, style }: View): string =>
  `${drilled.outcome === "passed" ? style.good("passed") : style.bad("failed")} ${ago(drilled.at, nowMillis)}${
    drilled.rtoSeconds === null ? "" : `, a full restore takes about ${duration(drilled.rtoSeconds)}`
  }`

const freshness = (known: Reports.Freshness, { nowMillis, style }: View): string => {
  const age = known.newestEventAt === null
    ? "it holds no events"
    : `its newest event is from ${ago(known.newestEventAt, nowMillis)}`
  const by = { pin: "what this machine last saw", fingerprint: "your fingerprint", witness: "what other machines saw" }
  switch (known.state) {
    case "proven":
      return `${style.good("Not rolled back")}: checked against ${
        known.by.map((one) => by[one]).join(" and ")
      }; ${age}.`
    case "unknown":
      return `${style.warn("Freshness is not known")}: there was nothing to compare with; ${age}.`
    case "behind":
      return `${style.bad("Rolled back")}: older than ${known.by.map((one) => by[one]).join(" and ")}; ${age}.`
  }
}

const findings = (all: ReadonlyArray<Reports.Finding>, style: Style): ReadonlyArray<string> =>
  all.length === 0 ? [] : [
    "",
    table(all.map((one) => [
      style.bad(one.reason),
      one.range === undefined ? "" : `events ${one.range.first} to ${one.range.last}`,
      safe([one.target, one.object].filter((part) => part !== undefined).join(": ")),
      safe(one.message)
    ]))
  ]

const warnings = (all: ReadonlyArray<Reports.Problem>, style: Style): ReadonlyArray<string> =>
  all.flatMap((one) => ["", `${style.warn("!")} ${safe(one.message)}`, `  ${style.dim(safe(one.hint))}`])
