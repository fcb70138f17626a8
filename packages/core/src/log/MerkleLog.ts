/**
 * The log's promise about its events: a Merkle tree in the shape of RFC 6962, section 2.1, of which leaf k covers the
 * events 64k to 64k + 63, and the last leaf what there is. A root depends on the events and their order alone, never
 * on how they were grouped on their way.
 */
import { Buffer } from "node:buffer"
import { type ByteReader, ByteWriter } from "../format/Binary.ts"
import { LEAF_EVENTS, LOG_EVENTS } from "../format/Limits.ts"
import { emptyRoot, HASH_BYTES, leafHashInPlace, nodeHash } from "./MerkleTree.ts"
import type { TreeHead } from "./TreeHead.ts"

/** All that has to be kept of a tree so that it can grow: the roots of its perfect subtrees, largest first. */
export interface CompactRange {
  /** Full leaves. */
  readonly leaves: number
  /** As many as `leaves` has bits set. */
  readonly peaks: ReadonlyArray<Uint8Array>
}

export const emptyRange: CompactRange = { leaves: 0, peaks: [] }

/** The range with one more leaf. */
export const appendLeaf = (range: CompactRange, leaf: Uint8Array): CompactRange => {
  const peaks = [...range.peaks]
  pushLeaf(peaks, range.leaves, leaf)
  return { leaves: range.leaves + 1, peaks }
}

export const rangeOf = (leaves: ReadonlyArray<Uint8Array>): CompactRange => {
  const peaks: Array<Uint8Array> = []
  for (let at = 0; at < leaves.length; at++) pushLeaf(peaks, at, leaves[at]!)
  return { leaves: leaves.length, peaks }
}

/** The root over the leaves, and over a partial one behind them where it is given. */
export const rootOfRange = ({ leaves, peaks }: CompactRange, partial?: Uint8Array): Uint8Array => {
  const all = [...peaks]
  if (partial !== undefined) pushLeaf(all, leaves, partial)
  return all.length === 0 ? emptyRoot : all.reduceRight((right, left) => nodeHash(left, right))
}

/** `leaves u48, peaks`: how many of them follows from the leaves. */
export const encodeRange = (range: CompactRange): Uint8Array => {
  const writer = new ByteWriter(6 + range.peaks.length * HASH_BYTES).u48(range.leaves)
  for (const peak of range.peaks) writer.raw(peak)
  return writer.finish()
}

export const readRange = (reader: ByteReader): CompactRange => {
  const leaves = reader.u48()
  if (leaves > LOG_EVENTS / LEAF_EVENTS) reader.fail("Limit", `${leaves} leaves`)
  return { leaves, peaks: Array.from({ length: peaksOf(leaves) }, () => reader.raw(HASH_BYTES)) }
}

/** Where a log stands: its head, and what is needed to go on from it. */
export interface LogHead extends TreeHead {
  readonly peaks: ReadonlyArray<Uint8Array>
}

/**
 * Grows a log event by event. It owns its state and changes it in place: one fiber at a time, and a `clone` where the
 * events might yet be given up.
 */
export class LogBuilder {
  private events: number
  private readonly roots: Array<Uint8Array>
  private completed: Array<Uint8Array> = []
  /** The open leaf as it will be hashed: a zero byte, then for each event its length and its bytes. */
  private open: Buffer
  private used: number

  private constructor(state: { size: number; peaks: Array<Uint8Array>; open: Buffer; used: number }) {
    this.events = state.size
    this.roots = state.peaks
    this.open = state.open
    this.used = state.used
  }

  /** Goes on from a head, with the events behind its last full leaf: `size mod Limits.LEAF_EVENTS` of them. */
  static make(
    head: { readonly size: number; readonly peaks: ReadonlyArray<Uint8Array> },
    openEvents: ReadonlyArray<Uint8Array>
  ): LogBuilder {
    const { peaks, size } = head
    const leaves = fullLeaves(size)
    if (openEvents.length !== size % LEAF_EVENTS || peaks.length !== peaksOf(leaves)) {
      throw new RangeError(`${openEvents.length} open events and ${peaks.length} peaks for a log of ${size}`)
    }
    const builder = new LogBuilder({
      size: leaves * LEAF_EVENTS,
      peaks: [...peaks],
      open: Buffer.allocUnsafe(FIRST_LEAF_BYTES),
      used: 1
    })
    for (const event of openEvents) builder.append(event)
    return builder
  }

  /** A log without events. */
  static empty(): LogBuilder {
    return LogBuilder.make({ size: 0, peaks: [] }, [])
  }

  /** Events so far: the index of the next. */
  get size(): number {
    return this.events
  }

  /** The compact range of the full leaves, copied. */
  peaks(): ReadonlyArray<Uint8Array> {
    return [...this.roots]
  }

  append(event: Uint8Array): void {
    const end = this.used + 4 + event.length
    if (end > this.open.length) this.grow(end)
    this.open.writeUInt32BE(event.length, this.used)
    this.open.set(event, this.used + 4)
    this.used = end
    this.events++
    if (this.events % LEAF_EVENTS === 0) this.close()
  }

  appendAll(events: ReadonlyArray<Uint8Array>): void {
    for (const event of events) this.append(event)
  }

  /** The head over all events so far, the open leaf's too. The log can go on from it. */
  head(): LogHead {
    const leaves = fullLeaves(this.events)
    const partial = this.events % LEAF_EVENTS === 0 ? undefined : leafHashInPlace(this.open.subarray(0, this.used))
    return { size: this.events, root: rootOfRange({ leaves, peaks: this.roots }, partial), peaks: this.peaks() }
  }

  /** Hashes of the leaves completed since it was made or last asked, in order. */
  takeLeaves(): ReadonlyArray<Uint8Array> {
    const taken = this.completed
    this.completed = []
    return taken
  }

  /** The events of the open leaf, copied. */
  openEvents(): ReadonlyArray<Uint8Array> {
    const events: Array<Uint8Array> = []
    for (let at = 1; at < this.used;) {
      const length = this.open.readUInt32BE(at)
      events.push(Uint8Array.prototype.slice.call(this.open, at + 4, at + 4 + length))
      at += 4 + length
    }
    return events
  }

  /** An independent builder that stands where this one stands, with no completed leaves to take. */
  clone(): LogBuilder {
    const { events: size, roots: peaks, used } = this
    const open = Buffer.allocUnsafe(Math.max(FIRST_LEAF_BYTES, used))
    open.set(this.open.subarray(0, used))
    return new LogBuilder({ size, peaks: [...peaks], open, used })
  }

  private close(): void {
    const leaf = leafHashInPlace(this.open.subarray(0, this.used))
    pushLeaf(this.roots, fullLeaves(this.events) - 1, leaf)
    this.completed.push(leaf)
    this.used = 1
    // One leaf of large events must not hold on to memory for the rest of the log.
    if (this.open.length > KEPT_LEAF_BYTES) this.open = Buffer.allocUnsafe(FIRST_LEAF_BYTES)
  }

  private grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, this.open.length * 2))
    this.open.copy(larger, 0, 0, this.used)
    this.open = larger
  }
}

/**
 * The head of a log at a size: from the hashes of all its full leaves up to there, and the events behind the last of
 * them.
 */
export const headAt = (
  size: number,
  leafHashes: ReadonlyArray<Uint8Array>,
  openEvents: ReadonlyArray<Uint8Array>
): LogHead => {
  const leaves = fullLeaves(size)
  if (leafHashes.length < leaves) throw new RangeError(`${leafHashes.length} leaves for a log of ${size}`)
  const { peaks } = rangeOf(leafHashes.slice(0, leaves))
  return LogBuilder.make({ size, peaks }, openEvents.slice(0, size % LEAF_EVENTS)).head()
}

/** The hash of a leaf: SHA-256(0x00 ‖ for each event, its length as u32 ‖ the event). */
export const leafHash = (events: ReadonlyArray<Uint8Array>): Uint8Array => {
  const writer = new ByteWriter(events.reduce((sum, event) => sum + 4 + event.length, 1)).u8(0)
  for (const event of events) writer.u32(event.length).raw(event)
  return leafHashInPlace(writer.finish())
}

const FIRST_LEAF_BYTES = 16 * 1024
const KEPT_LEAF_BYTES = 1024 * 1024

const fullLeaves = (size: number): number => Math.floor(size / LEAF_EVENTS)

/** The bits set in a number of up to 48 bits. */
const peaksOf = (leaves: number): number => {
  let peaks = 0
  for (let rest = leaves; rest > 0; rest = Math.floor(rest / 2)) peaks += rest % 2
  return peaks
}

/** Adds leaf number `leaves`: it joins as many subtrees as that number has ones at its end. */
const pushLeaf = (peaks: Array<Uint8Array>, leaves: number, leaf: Uint8Array): void => {
  let node = leaf
  for (let rest = leaves; rest % 2 === 1; rest = (rest - 1) / 2) node = nodeHash(peaks.pop()!, node)
  peaks.push(node)
}
