/** What a person is told when a vault, or what is pinned of it, does not stand up to reading. */
import type { PinError, PinReason } from "@sealog/core/backup/HeadPin"
import type { FetchError } from "@sealog/core/restore/Fetch"
import type { Finding } from "@sealog/core/restore/Open"
import type { RestoreError } from "@sealog/core/restore/Restore"
import { Exit } from "../Exit.ts"
import { because, inBrackets, type Table } from "./Row.ts"

export const pin: Table<PinReason, PinError> = {
  Missing: [
    Exit.notVerified,
    "PinMissing",
    (e) => `the pinned head of this home is gone${inBrackets(e.subject)}`,
    "put the file back with the rest of the home, or run sealog sync: it pins anew what the journal knows"
  ],
  Exists: [
    Exit.usage,
    "VaultExists",
    (e) => `this home already pins a vault${inBrackets(e.subject)}`,
    "use another home: --home DIR"
  ],
  Corrupt: [
    Exit.notVerified,
    "PinDamaged",
    (e) => `the pinned head of this home is damaged, or not this vault's${inBrackets(e.subject)}`,
    "put the file back from a copy of the home, or run sealog sync: it pins anew what the journal knows"
  ],
  WrongKey: [
    Exit.wrongKey,
    "WrongPassword",
    (e) => `the key does not open the pinned head of this home${inBrackets(e.subject)}`,
    "if the vault's keys were rotated on another machine, use the new password"
  ],
  Unsupported: [
    Exit.newer,
    "NewerVersion",
    (e) => `the pinned head was made by a newer sealog${inBrackets(e.subject)}`,
    "update sealog on this machine"
  ],
  Full: [
    Exit.noSpace,
    "NoSpace",
    (e) => `there is no space left for the pinned head${inBrackets(e.subject)}`,
    "free some space on the disk of this home and run it again: nothing is lost"
  ],
  Io: [
    Exit.failed,
    "HomeIo",
    (e) => `the pinned head could not be read or written${inBrackets(e.subject)}${because(e)}`,
    "check the disk, then run it again"
  ]
}

export const restore: Table<RestoreError["reason"], RestoreError> = {
  NotProven: [
    Exit.notVerified,
    "NotVerified",
    (e) => `the vault could not be read whole: ${list(e)}. Nothing was written`,
    "try another target that holds this vault, or add --partial to restore what can be read, with its gaps marked"
  ],
  RolledBack: [
    Exit.notVerified,
    "RolledBack",
    (e) =>
      `the vault is older than, or other than, what is known of it${e.findings.length === 0 ? "" : `: ${list(e)}`}`,
    "restore from another target; if this one was put back from a backup on purpose, let sealog sync ship to it again"
  ]
}

/** The object that could not be read. */
export const objectOf = (error: FetchError): string => error._tag === "FormatError" ? error.what : error.subject

/** The first few findings, and how many more there are. */
const SHOWN = 3

const list = (error: RestoreError): string => {
  const all = [
    ...error.findings.map(describe),
    ...error.unread.map(({ cause, source, what }) => `the content of ${source} ${what} (${objectOf(cause)})`)
  ]
  const shown = all.slice(0, SHOWN).join("; ")
  return all.length > SHOWN ? `${shown}; and ${all.length - SHOWN} more` : shown
}

const describe = ({ first, last, object, reason }: Finding): string => {
  const [events, are] = first === last ? [`event ${first}`, "is"] : [`events ${first} to ${last}`, "are"]
  switch (reason) {
    case "Damaged":
      return `${object ?? "an object"} is damaged (${events})`
    case "Gap":
      return `${events} ${are} missing`
    case "Branch":
      return `${events} ${are} a second history`
    case "RolledBack":
      return `${events} ${are} known to have been there and ${are} gone`
    case "Contradiction":
      return "its history is not the one that is known"
    case "Blob":
      return `a long content of ${events} is damaged or missing`
  }
}
