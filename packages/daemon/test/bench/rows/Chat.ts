/**
 * A million messages in the database of Messages, which restic and borg see as one file: the first backup, a hundred
 * messages more, a restore.
 */
import { keptChats } from "../ChatStore.ts"
import type { Row } from "../Row.ts"
import { peak, processor, time, type TrialRow, trialRows } from "../TrialRows.ts"

const trialledRows: ReadonlyArray<TrialRow> = [
  {
    name: "chat-backup",
    step: "first",
    work: "First backup of the messages",
    how: "`sealog sync`, key derivation and all, against `restic backup` and `borg create`",
    unit: "seconds",
    bounds: { on: "ratio", must: 1.2, goal: 0.7 },
    derivation: "seconds",
    figure: time
  },
  {
    name: "chat-vault",
    step: "first",
    work: "Size of their vault",
    how: "all files at the target after the first backup",
    unit: "bytes",
    bounds: { on: "ratio", must: 0.6 },
    figure: ({ vaultBytes }) => vaultBytes
  },
  {
    name: "chat-memory",
    step: "first",
    work: "Memory of their first backup",
    how: "the most that was resident, without key derivation",
    unit: "bytes",
    bounds: { on: "figure", must: 250e6 },
    derivation: "peakBytes",
    figure: peak
  },
  {
    name: "chat-restore",
    step: "restore",
    work: "Restore of all of them",
    how: "`sealog restore`, key derivation and all, to lines of JSON; the peers give the one file back",
    unit: "seconds",
    bounds: { on: "ratio" },
    derivation: "seconds",
    figure: time
  },
  {
    name: "chat-hundred-shipped",
    step: "arrivals",
    work: "Bytes shipped for 100 new messages",
    how: "all files at the target that are new or changed",
    unit: "bytes",
    bounds: { on: "ratio", must: 0.001 },
    figure: ({ shippedBytes }) => shippedBytes
  },
  {
    name: "chat-hundred-cpu",
    step: "live",
    peersStep: "arrivals",
    work: "Processor of the daemon for 100 new messages",
    how:
      "user and system seconds of all threads, from the first commit to the last ship, against one more backup of each",
    unit: "seconds",
    bounds: { on: "ratio", must: 0.05 },
    figure: processor
  },
  {
    name: "chat-live-memory",
    step: "live",
    peersStep: "arrivals",
    work: "Memory of the daemon meanwhile",
    how: "the most that was resident, once the key is derived",
    unit: "bytes",
    bounds: { on: "figure", must: 250e6 },
    figure: peak
  }
]

export const chatRows: ReadonlyArray<Row> = trialRows(trialledRows, {
  name: "chat",
  title: "A million messages in one database",
  sizes: ["runs", "chatMessages", "arrivals"],
  keptStore: keptChats
})
