/** A mailbox of 50,000 mails: the first backup, a hundred mails more, a restore, a drill. */
import { keptMailbox } from "../Mailbox.ts"
import type { Row } from "../Row.ts"
import { peak, processor, time, type TrialRow, trialRows, withoutDerivation } from "../TrialRows.ts"

const memory = { on: "figure", must: 250e6, goal: 150e6 } as const

const mailRows: ReadonlyArray<TrialRow> = [
  {
    name: "first-backup",
    step: "first",
    work: "First backup of the mailbox",
    how: "`sealog sync`, key derivation and all, against `restic backup` and `borg create`",
    unit: "seconds",
    bounds: { on: "ratio", must: 1, goal: 0.7 },
    derivation: "seconds",
    figure: time
  },
  {
    name: "restore",
    step: "restore",
    work: "Restore of all of it",
    how: "`sealog restore --format maildir`, key derivation and all, against `restic restore` and `borg extract`",
    unit: "seconds",
    bounds: { on: "ratio", must: 1, goal: 0.8 },
    derivation: "seconds",
    figure: time
  },
  {
    name: "hundred-new",
    step: "arrivals",
    work: "100 new mails",
    how: "one `sealog sync` without its key derivation, against one more backup of each",
    unit: "seconds",
    bounds: { on: "ratio", must: 0.7, goal: 0.3 },
    derivation: "seconds",
    figure: withoutDerivation
  },
  {
    name: "nothing-new",
    step: "nothing",
    work: "Nothing new",
    how: "one more `sealog sync` without its key derivation, against one more backup of each",
    unit: "seconds",
    bounds: { on: "ratio", must: 0.7, goal: 0.3 },
    derivation: "seconds",
    figure: withoutDerivation
  },
  {
    name: "first-drill",
    step: "rehearsal",
    work: "First drill",
    how: "`sealog drill`, key derivation and all: reads everything; the peers' checks stand in the next row",
    unit: "seconds",
    bounds: { on: "figure" },
    derivation: "seconds",
    figure: time
  },
  {
    name: "drill",
    step: "check",
    work: "Proof that it can be restored, after 100 new mails",
    how: "`sealog drill` without its key derivation, against `restic check --read-data` and `borg check --verify-data`",
    unit: "seconds",
    bounds: { on: "ratio", must: 0.1, goal: 0.02 },
    derivation: "seconds",
    figure: withoutDerivation
  },
  {
    name: "vault-size",
    step: "first",
    work: "Size of the vault",
    how: "all files at the target after the first backup",
    unit: "bytes",
    bounds: { on: "ratio", must: 1, goal: 0.6 },
    figure: ({ vaultBytes }) => vaultBytes
  },
  {
    name: "hundred-shipped",
    step: "arrivals",
    work: "Bytes shipped for 100 new mails",
    how: "all files at the target that are new or changed",
    unit: "bytes",
    bounds: { on: "ratio", must: 1, goal: 0.5 },
    figure: ({ shippedBytes }) => shippedBytes
  },
  {
    name: "first-memory",
    step: "first",
    work: "Memory of the first backup",
    how: "the most that was resident, without key derivation",
    unit: "bytes",
    bounds: memory,
    derivation: "peakBytes",
    figure: peak
  },
  {
    name: "restore-memory",
    step: "restore",
    work: "Memory of the restore",
    how: "the most that was resident, without key derivation",
    unit: "bytes",
    bounds: memory,
    derivation: "peakBytes",
    figure: peak
  },
  {
    name: "hundred-memory",
    step: "arrivals",
    work: "Memory for 100 new mails",
    how: "the most that was resident, without key derivation",
    unit: "bytes",
    bounds: memory,
    derivation: "peakBytes",
    figure: peak
  },
  {
    name: "live-memory",
    step: "live",
    peersStep: "arrivals",
    work: "Memory of the daemon while 100 mails arrive",
    how: "the most that was resident, once the key is derived",
    unit: "bytes",
    bounds: memory,
    figure: peak
  },
  {
    name: "live-cpu",
    step: "live",
    peersStep: "arrivals",
    work: "Processor of the daemon for 100 new mails",
    how:
      "user and system seconds of all threads, from the first delivery to the last ship, with the default ship delay",
    unit: "seconds",
    bounds: { on: "ratio", must: 0.05, goal: 0.01 },
    figure: processor
  },
  {
    name: "first-cpu",
    step: "first",
    work: "Processor for the first backup",
    how: "user and system seconds of all threads, without key derivation",
    unit: "seconds",
    bounds: { on: "ratio" },
    derivation: "cpuSeconds",
    figure: processor
  },
  {
    name: "restore-cpu",
    step: "restore",
    work: "Processor for the restore",
    how: "user and system seconds of all threads, without key derivation",
    unit: "seconds",
    bounds: { on: "ratio" },
    derivation: "cpuSeconds",
    figure: processor
  },
  {
    name: "hundred-cpu",
    step: "arrivals",
    work: "Processor for 100 new mails",
    how: "user and system seconds of all threads, without key derivation",
    unit: "seconds",
    bounds: { on: "ratio" },
    derivation: "cpuSeconds",
    figure: processor
  }
]

export const mailboxRows: ReadonlyArray<Row> = trialRows(mailRows, {
  name: "mailbox",
  title: "A mailbox of 50,000 mails",
  sizes: ["runs", "mails", "arrivals"],
  keptStore: keptMailbox
})
