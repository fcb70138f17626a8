/** What a reader or a drill found, as a report says it: reason, object, range, and a sentence. */
import type { DrillFinding } from "@sealog/core/restore/Drill"
import type { Finding as CoreFinding } from "@sealog/core/restore/Open"
import type { Unread } from "@sealog/core/restore/Projection"
import { Buffer } from "node:buffer"
import type * as Reports from "../Reports.ts"

export const findingOf = (finding: DrillFinding, target?: string): Reports.Finding => {
  const at = target === undefined ? {} : { target }
  if (finding.reason === "StoreDiffers") {
    const { conversation, source } = finding
    return { reason: finding.reason, message: `${source}: the vault and the store differ in "${conversation}"`, ...at }
  }
  const { first, last, writer } = finding
  const object = "object" in finding && finding.object !== undefined ? { object: finding.object } : {}
  return {
    reason: finding.reason,
    message: sentences[finding.reason](finding),
    ...at,
    ...object,
    range: { writer: Buffer.from(writer).toString("hex"), first, last }
  }
}

/** A message or file that was left out because its content could not be read. */
export const unreadOf = ({ cause, source, what }: Unread): Reports.Finding => ({
  reason: "Content",
  message: `${source}: the content of ${what} could not be read: ${cause.message}`
})

type Ranged = CoreFinding | Extract<DrillFinding, { readonly reason: "JournalDiffers" }>

const events = ({ first, last }: Ranged): string => first === last ? `event ${first}` : `events ${first} to ${last}`

const eventsAre = (finding: Ranged): string => `${events(finding)} ${finding.first === finding.last ? "is" : "are"}`

const sentences: { readonly [R in Ranged["reason"]]: (finding: Ranged) => string } = {
  Damaged: (finding) => `an object is damaged or missing; it holds ${events(finding)}`,
  Gap: (finding) => `${eventsAre(finding)} in no object that can be read`,
  Branch: (finding) => `${eventsAre(finding)} a second history of the same machine; both are kept`,
  RolledBack: (finding) => `${eventsAre(finding)} known to have been here and gone: the vault was rolled back`,
  Contradiction: (finding) => `the log up to event ${finding.last} is not the one that is known`,
  Blob: (finding) => `a long content of ${events(finding)} is damaged or missing`,
  JournalDiffers: (finding) => `at the target, ${eventsAre(finding)} not what the journal has`
}
