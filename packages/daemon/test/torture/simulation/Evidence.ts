/**
 * What is really there: every event of a machine's journal and every event that can be read at a target, opened with
 * nothing but the vault's key, as digests by writer and index. Objects and journal entries never change, so each is
 * opened once however often one looks.
 */
import type { MemoryDisk } from "@sealog/adapters/journal/Memory"
import { blobsOf } from "@sealog/core/backup/Blobs"
import { decodeAll } from "@sealog/core/backup/Entries"
import { openBlob, openSegment } from "@sealog/core/backup/VaultObjects"
import { eventsOf } from "@sealog/core/format/Block"
import { parseSegmentName } from "@sealog/core/format/ObjectName"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import type { Event } from "@sealog/core/message/Event"
import { Effect, Either } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import type { Target } from "./Target.ts"

/** A segment that opens, and what it holds. */
export interface OpenedSegment {
  readonly writer: string
  readonly level: number
  readonly first: number
  readonly last: number
  readonly digests: ReadonlyArray<string>
  /** Blobs that its events name, by the event's index. */
  readonly blobs: ReadonlyArray<readonly [index: number, name: string]>
}

/** What can be read at a target: events by writer and index. Where there are two histories, all there are. */
export type Coverage = ReadonlyMap<string, ReadonlyArray<ReadonlySet<string>>>

/** One log of a journal. */
export interface KeptLog {
  readonly writer: string
  readonly size: number
  readonly root: string
  readonly digests: ReadonlyArray<string>
  readonly events: ReadonlyArray<Event>
  readonly encoded: ReadonlyArray<Uint8Array>
}

type Log = MemoryDisk["logs"][number]
type Entry = Log["entries"][number]

interface OpenedEntry {
  readonly events: ReadonlyArray<Event>
  readonly encoded: ReadonlyArray<Uint8Array>
  readonly digests: ReadonlyArray<string>
}

export class Evidence {
  private readonly ring: KeyRingShape
  private readonly segments = new WeakMap<Uint8Array, OpenedSegment | "unreadable">()
  private readonly blobs = new WeakMap<Uint8Array, boolean>()
  private readonly entries = new WeakMap<Entry, OpenedEntry>()
  private readonly logs = new WeakMap<ReadonlyArray<Entry>, KeptLog>()
  private readonly covered = new WeakMap<Target, { readonly version: number; readonly coverage: Coverage }>()

  constructor(ring: KeyRingShape) {
    this.ring = ring
  }

  /** The logs of a journal, oldest first. */
  logsOf({ logs }: MemoryDisk): ReadonlyArray<KeptLog> {
    return logs.map((log) => this.logOf(log))
  }

  /** What is in the segments there, one by one. */
  segmentsAt({ objects }: Target): ReadonlyArray<OpenedSegment> {
    const found: Array<OpenedSegment> = []
    for (const [name, bytes] of objects) {
      if (!name.startsWith("log/")) continue
      const opened = this.segment(name, bytes)
      if (opened !== "unreadable") found.push(opened)
    }
    return found
  }

  /** Objects there that do not open: torn, changed, under a name that is not theirs. */
  unreadableAt(target: Target): ReadonlyArray<string> {
    return [...target.objects].flatMap(([name, bytes]) => {
      if (name.startsWith("log/")) return this.segment(name, bytes) === "unreadable" ? [name] : []
      return name.startsWith("blobs/") && !this.hasBlob(target, name) ? [name] : []
    })
  }

  /** Every event that can be read there, with every blob that it names. */
  coverageOf(target: Target): Coverage {
    const known = this.covered.get(target)
    if (known?.version === target.version) return known.coverage
    const coverage = new Map<string, Array<Set<string>>>()
    for (const { blobs, digests, first, writer } of this.segmentsAt(target)) {
      const events = coverage.get(writer) ?? []
      coverage.set(writer, events)
      const lacking = new Set(blobs.filter(([, name]) => !this.hasBlob(target, name)).map(([index]) => index))
      digests.forEach((digest, at) => {
        if (!lacking.has(first + at)) (events[first + at] ??= new Set()).add(digest)
      })
    }
    this.covered.set(target, { version: target.version, coverage })
    return coverage
  }

  private logOf({ entries, head, writer }: Log): KeptLog {
    const known = this.logs.get(entries)
    if (known !== undefined) return known
    const opened = entries.map((entry) => this.entry(entry))
    const log: KeptLog = {
      writer: hex(writer),
      size: head.size,
      root: hex(head.root),
      digests: opened.flatMap(({ digests }) => digests),
      events: opened.flatMap(({ events }) => events),
      encoded: opened.flatMap(({ encoded }) => encoded)
    }
    this.logs.set(entries, log)
    return log
  }

  private entry(entry: Entry): OpenedEntry {
    const known = this.entries.get(entry)
    if (known !== undefined) return known
    const encoded = Effect.runSync(eventsOf(entry.block))
    const events = Either.getOrThrow(decodeAll(encoded))
    const opened: OpenedEntry = { encoded, events, digests: encoded.map(digestOf) }
    this.entries.set(entry, opened)
    return opened
  }

  private segment(name: string, bytes: Uint8Array): OpenedSegment | "unreadable" {
    const known = this.segments.get(bytes)
    if (known !== undefined) return known
    const opened = Either.getOrElse(Effect.runSync(Effect.either(this.open(name, bytes))), () => "unreadable" as const)
    this.segments.set(bytes, opened)
    return opened
  }

  private open(name: string, bytes: Uint8Array) {
    return Effect.gen(this, function*() {
      const info = yield* parseSegmentName(this.ring, name)
      const { runs } = yield* openSegment(this.ring, { ...info, object: name, bytes: bytes.length }, bytes)
      const { first, last, level, writer } = info
      const encoded = yield* eventsOf({ first, count: last - first + 1, runs, blobs: [] })
      const events = yield* decodeAll(encoded)
      const blobs = events.flatMap((event, at) =>
        blobsOf(this.ring, [event]).map((blob) => [first + at, blob] as const)
      )
      return { writer: hex(writer), level, first, last, digests: encoded.map(digestOf), blobs }
    })
  }

  private hasBlob({ objects }: Target, name: string): boolean {
    const bytes = objects.get(name)
    if (bytes === undefined) return false
    const known = this.blobs.get(bytes)
    if (known !== undefined) return known
    const opened = Effect.runSync(Effect.either(openBlob({ ring: this.ring, object: name, epoch: 0, bytes })))
    this.blobs.set(bytes, Either.isRight(opened))
    return Either.isRight(opened)
  }
}

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64").slice(0, 16)

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
