/** One filled-in report of each kind, as an engine would give it. */
import * as Reports from "@sealog/daemon/Reports"

export const now = Date.UTC(2025, 0, 2, 12, 0, 0)
const root = "9f".repeat(32)
const freshness = { state: "proven", by: ["pin"], newestEventAt: Reports.time(now - 3_600_000) } as const

export const init = Reports.InitReport.make({
  vaultId: "ab".repeat(32),
  writerId: "cd".repeat(8),
  sources: [{ name: "maildir", kind: "maildir", spec: "maildir:/home/ada/Maildir" }],
  targets: [{ name: "usb", kind: "disk", spec: "disk:/media/usb/vault" }]
})

export const sync = Reports.SyncReport.make({
  captured: { events: 1_234 },
  sources: [{ name: "maildir", kind: "maildir", events: 1_234, gaps: 0 }],
  targets: [{ name: "usb", kind: "disk", state: "current", objects: 2, bytes: 1_310_720, behindEvents: 0 }],
  treeSize: 51_234,
  root,
  seconds: 2.3
})

export const syncBehind = Reports.SyncReport.make({
  ...sync,
  targets: [...sync.targets, {
    name: "nas",
    kind: "disk",
    state: "unreachable",
    objects: 0,
    bytes: 0,
    behindEvents: 1_234,
    error: { reason: "Unreachable", message: "/mnt/nas cannot be reached", hint: "connect the disk, then run it again" }
  }]
})

export const syncGaps = Reports.SyncReport.make({
  ...sync,
  sources: [{ name: "maildir", kind: "maildir", events: 1_230, gaps: 4 }]
})

export const syncFailed = Reports.SyncReport.make({
  ...syncBehind,
  sources: [{
    name: "maildir",
    kind: "maildir",
    events: 0,
    gaps: 0,
    error: { reason: "SourceDenied", message: "the store may not be read", hint: "give this user the right to read it" }
  }]
})

const lastDrill: Reports.LastDrill = {
  at: Reports.time(now - 86_400_000),
  outcome: "passed",
  mode: "incremental",
  target: "usb",
  treeSize: 50_000,
  findings: 0,
  rtoSeconds: 41
}

export const ledger: Reports.LedgerReport = {
  at: "2026-03-01T09:58:00.000Z",
  conversations: 12,
  inStore: 4_120,
  inLog: 4_119,
  mismatched: 1,
  attachments: { referenced: 310, stored: 300, missing: [{ reason: "not on this machine", count: 10 }] },
  skipped: [{ reason: "status updates", count: 41 }]
}

/** For who has the key. */
export const ledgerNamed: Reports.LedgerReport = {
  ...ledger,
  attachments: { ...ledger.attachments, stored: 299, unexplained: 1 },
  counts: [
    { conversation: "c1", title: "Ada", inStore: 20, inLog: 20 },
    ...Array.from({ length: 7 }, (_, n) => ({
      conversation: `g${n}`,
      ...(n === 2 ? { title: "Garden" } : {}),
      inStore: 500,
      inLog: n === 6 ? 499 : 500,
      attachments: {
        referenced: 40,
        stored: 40 - n - (n === 4 ? 1 : 0),
        missing: n === 0 ? [] : [{ reason: "not on this machine", count: n }],
        unexplained: n === 4 ? 1 : 0
      }
    }))
  ]
}

export const status = Reports.StatusReport.make({
  running: false,
  locked: false,
  vaultId: "ab".repeat(32),
  treeSize: 51_234,
  root,
  sources: [{
    name: "maildir",
    kind: "maildir",
    state: "current",
    events: 51_234,
    lastEventAt: Reports.time(now - 60_000),
    gaps: 0
  }],
  targets: [
    {
      name: "usb",
      kind: "disk",
      state: "current",
      shippedTreeSize: 51_234,
      behindEvents: 0,
      behindSeconds: 0,
      objects: 12,
      bytes: 41_000_000
    },
    {
      name: "nas",
      kind: "disk",
      state: "unreachable",
      shippedTreeSize: 50_000,
      behindEvents: 1_234,
      behindSeconds: 7_260,
      objects: 11,
      bytes: 40_000_000
    }
  ],
  rpoSeconds: 0,
  lastDrill,
  warnings: [{ reason: "Unreachable", message: "/mnt/nas cannot be reached", hint: "connect it" }]
})

export const restore = Reports.RestoreReport.make({
  treeSize: 51_234,
  root,
  writers: 1,
  messages: 50_000,
  written: 50_000,
  removed: 0,
  objectsRead: 12,
  bytesRead: 41_000_000,
  gaps: [],
  freshness,
  warnings: [],
  seconds: 3.21
})

const finding: Reports.Finding = {
  reason: "Unauthentic",
  message: "segment: it was changed, moved, or sealed under another key",
  target: "usb",
  object: `log/${"a".repeat(8)}`,
  range: { first: 640, last: 1_279 }
}

export const restoreGaps = Reports.RestoreReport.make({
  ...restore,
  messages: 49_360,
  gaps: [finding],
  freshness: { state: "unknown", by: [], newestEventAt: Reports.time(now - 3_600_000) }
})

export const restoreLagging = Reports.RestoreReport.make({
  ...restore,
  warnings: [{
    reason: "TargetBehind",
    message: "disk:/mnt/usb lacks 12 events that another place has",
    hint: "it lags behind, or was put back to an older state; what the others have was restored"
  }]
})

export const restoreBehind = Reports.RestoreReport.make({
  ...restore,
  freshness: { state: "behind", by: ["pin", "witness"], newestEventAt: null }
})

const target = {
  name: "usb",
  kind: "disk",
  treeSize: 51_234,
  root,
  objects: 12,
  objectsRead: 12,
  bytesRead: 41_000_000,
  freshness
}

export const verify = Reports.VerifyReport.make({
  targets: [target],
  depth: "data",
  findings: [],
  warnings: [],
  seconds: 1.5
})
export const verifyDamaged = Reports.VerifyReport.make({ ...verify, depth: "names", findings: [finding] })

export const drill = Reports.DrillReport.make({
  at: Reports.time(now),
  outcome: "passed",
  mode: "incremental",
  target: { name: "usb", kind: "disk" },
  vaultId: "ab".repeat(32),
  treeSize: 51_234,
  root,
  messages: 50_000,
  objectsRead: 3,
  bytesRead: 120_000,
  compared: ["log", "journal", "store"],
  findings: [],
  freshness,
  openedWith: "password",
  rpoSeconds: 12,
  rtoSeconds: 41,
  seconds: 0.4,
  fingerprint: "51234 able acid also apex army atom aunt avid"
})
export const drillFailed = Reports.DrillReport.make({ ...drill, outcome: "failed", findings: [finding] })

export const drillHistory = Reports.DrillHistoryReport.make({ drills: [lastDrill] })
export const drillVerify = Reports.DrillVerifyReport.make({
  file: "/home/ada/receipts/1.json",
  authentic: true,
  receipt: lastDrill,
  findings: []
})
export const drillForged = Reports.DrillVerifyReport.make({ ...drillVerify, authentic: false, receipt: null })

export const fingerprint = Reports.FingerprintReport.make({
  treeSize: 51_234,
  words: ["able", "acid", "also", "apex", "army", "atom", "aunt", "avid"],
  fingerprint: "51234 able acid also apex army atom aunt avid"
})

export const targetCheck = Reports.TargetCheckReport.make({
  target: { name: "nas", kind: "webdav", spec: "webdav:https://nas/dav/" },
  outcome: "passed",
  passed: 90,
  failed: 0,
  notClaimed: 3,
  capabilities: {
    atomicCreate: false,
    rangeReads: true,
    strongList: true,
    durability: "stored",
    deletes: true,
    objectLock: false,
    maxObjectBytes: 41_943_040
  },
  latencySeconds: { put: 0.0123, get: 0.004, list: 0.008, delete: 0.002 },
  uploadBytesPerSecond: 11_000_000,
  downloadBytesPerSecond: 42_000_000,
  promises: [
    { promise: "gives back one byte as stored", outcome: "passed" },
    { promise: "lets exactly one of 20 racing puts win", outcome: "notClaimed", needs: ["atomicCreate"] }
  ],
  left: { objects: 0, prefix: "checkabcdefgh" },
  seconds: 12.5
})

export const targetCheckFailed = Reports.TargetCheckReport.make({
  ...targetCheck,
  outcome: "failed",
  failed: 1,
  passed: 89,
  promises: [{
    promise: "reads the last byte alone",
    outcome: "failed",
    why: "of 1 bytes from 99999 of 100000: got 0 bytes, not 1",
    mend: "give bytes offset to offset + length"
  }],
  left: { objects: 2, prefix: "checkabcdefgh" }
})

export const logLine = (index: number): Reports.LogLine =>
  Reports.LogLine.make({
    index,
    recordedAt: Reports.time(now + index),
    source: "maildir",
    conversation: "INBOX",
    kind: "message.added",
    body: { message: { key: `m${index}`, type: "mail", subject: `Hello ${index}` } }
  })

const nas = { name: "nas", kind: "webdav", spec: "webdav:https://nas.example/dav/" }
const usb = { name: "usb", kind: "disk", spec: "disk:/media/usb/vault" }
export const targetAdd = Reports.TargetAddReport.make({ target: nas, heldVault: false, treeSize: 51_234 })
export const targetRemove = Reports.TargetRemoveReport.make({ target: nas, targets: [usb] })
