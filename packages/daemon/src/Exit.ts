/** Exit codes: a contract with scripts. */
export const Exit = {
  done: 0,
  failed: 1,
  /** Wrong usage or configuration; a place that is taken. */
  usage: 2,
  /** Safe in the journal but not on every target; restored with gaps. */
  inPart: 3,
  sourceUnread: 4,
  noVault: 10,
  locked: 11,
  wrongKey: 12,
  notVerified: 13,
  unreachable: 14,
  noSpace: 15,
  newer: 16,
  interrupted: 130,
  terminated: 143
} as const
