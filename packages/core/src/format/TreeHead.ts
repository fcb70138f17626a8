/** A promise about a whole log: how many events it has and the root of their Merkle tree. */
export interface TreeHead {
  /** Events. */
  readonly size: number
  /** 32 bytes; SHA-256 of nothing when the log is empty (RFC 6962, section 2.1). */
  readonly root: Uint8Array
}
