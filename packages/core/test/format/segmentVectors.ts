/**
 * The vectors of `docs/vectors/segments`: what a reader of segments must read, and what it must refuse, each bad one
 * for a single fault.
 */
import {
  all,
  chat,
  checkpoint,
  flag,
  hex,
  labelsOf,
  mail,
  type Pieces,
  plaintextOf,
  runBytes,
  SMALL,
  type VectorRun
} from "./segmentPieces.ts"

export type { Pieces } from "./segmentPieces.ts"

export interface SegmentVector {
  readonly name: string
  readonly comment: string
  /** What a reader says: of the segment, or, where that is read, of the events in its runs. */
  readonly expect: { readonly layer: "segment" | "events"; readonly result: string }
  readonly plaintext: Pieces
  /** Of a good one: what it says. */
  readonly contents?: {
    readonly writer: string
    readonly first: number
    readonly last: number
    readonly before: string
    readonly after: string
    readonly recordedFrom: number
    readonly recordedTo: number
    readonly runs: ReadonlyArray<{
      readonly source: string
      readonly conversation: string
      readonly class: string
      readonly alone: boolean
      readonly indices: ReadonlyArray<number>
    }>
    /** From first to last, hex. */
    readonly events: ReadonlyArray<string>
  }
}

const classes = ["control", "changes", "additions"]

const good = (name: string, comment: string, runs: ReadonlyArray<VectorRun>): SegmentVector => {
  const events: Array<string> = []
  const first = Math.min(...runs.flatMap((run) => run.indices))
  for (const run of runs) for (const [at, index] of run.indices.entries()) events[index - first] = run.events[at]!
  return {
    name,
    comment,
    expect: { layer: "events", result: "Success" },
    plaintext: plaintextOf(runs),
    contents: {
      writer: "a1a2a3a4a5a6a7a8",
      first,
      last: first + events.length - 1,
      before: "be".repeat(32),
      after: "af".repeat(32),
      recordedFrom: 1_700_000_000_000,
      recordedTo: 1_700_000_001_000,
      runs: runs.map((run) => ({
        source: run.source,
        conversation: run.conversation,
        class: classes[run.class]!,
        alone: run.alone === true,
        indices: run.indices
      })),
      events
    }
  }
}

const bad = (
  name: string,
  comment: string,
  result: string,
  plaintext: Pieces,
  layer: "segment" | "events" = "segment"
): SegmentVector => ({ name, comment, expect: { layer, result }, plaintext })

/** The runs with one of them changed, in the segment and in the table. */
const withChat = (over: Partial<VectorRun>): ReadonlyArray<VectorRun> => [checkpoint, flag, { ...chat, ...over }, mail]

const nineties = (count: number) => Array.from({ length: count }, (_, at) => 90 + at)

export const makeSegmentVectors = (): ReadonlyArray<SegmentVector> => [
  good("one-event", "The least there can be: one event.", [{ ...flag, indices: [0] }]),
  good("four-runs", "Each class, one run that stands alone and is compressed, indices that are not consecutive.", all),
  good("far-along", "Consecutive indices near 2^47, and labels whose order by UTF-16 would be another.", [
    { ...chat, conversation: "\uff5e", indices: [2 ** 47, 2 ** 47 + 1], events: ["01", "02"] },
    { ...chat, conversation: "\u{1f409}", indices: [2 ** 47 + 2], events: ["03"] }
  ]),
  bad("empty", "No bytes at all.", "Truncated", []),
  bad("length-cut", "Three bytes: not even the trailer's length.", "Truncated", ["000000"]),
  bad(
    "length-past-start",
    "The trailer would begin before the plaintext.",
    "Truncated",
    plaintextOf(all, { trailerLength: SMALL })
  ),
  bad(
    "length-over-limit",
    "A trailer longer than any may be.",
    "Limit",
    plaintextOf(all, { trailerLength: 0x7fffffff })
  ),
  bad("length-too-short", "The length leaves out the trailer's first byte.", "Unknown", shorter(plaintextOf(all))),
  bad(
    "trailer-too-long",
    "A byte follows the trailer's last field.",
    "Malformed",
    plaintextOf(all, { trailerEnd: "00" })
  ),
  bad("version", "A trailer of version 2.", "Unknown", plaintextOf(all, { version: 2 })),
  bad(
    "ends-before-it-begins",
    "Last index before first.",
    "Malformed",
    plaintextOf(all, { first: 6, last: 5, table: [] })
  ),
  bad("too-many-events", "A range of 2^40 events.", "Limit", plaintextOf(all, { last: 2 ** 40 })),
  bad("time-backwards", "Recorded to before recorded from.", "Malformed", plaintextOf(all, { recordedTo: 1 })),
  bad("time-too-far", "A time over 2^53.", "Limit", timeTooFar()),
  bad(
    "labels-unordered",
    "Labels in another order.",
    "Malformed",
    plaintextOf(all, { labels: labelsOf(all).toReversed() })
  ),
  bad(
    "label-unused",
    "A label that no run has.",
    "Malformed",
    plaintextOf(all, { labels: [...labelsOf(all), "nobody"] })
  ),
  bad("label-not-utf8", "A label that is not UTF-8.", "Malformed", notUtf8()),
  bad("number-too-long", "The number of runs written in two bytes where one is enough.", "Malformed", longNumber()),
  bad(
    "table-class",
    "A class that is not known yet, in the table.",
    "Unknown",
    plaintextOf(all, {
      table: [{ run: checkpoint, place: 3 }, ...[flag, chat, mail].map((run) => ({ run }))]
    })
  ),
  bad(
    "table-bit",
    "A bit that is not known yet, in the table.",
    "Unknown",
    plaintextOf(all, {
      table: [{ run: checkpoint, place: 8 }, ...[flag, chat, mail].map((run) => ({ run }))]
    })
  ),
  bad(
    "table-order",
    "Runs in another order than class, source, conversation, index.",
    "Malformed",
    plaintextOf([flag, checkpoint, chat, mail])
  ),
  bad(
    "table-misses-event",
    "A run less in table and segment: an event is missing.",
    "Mismatch",
    plaintextOf(all.slice(0, 3))
  ),
  bad("table-past-last", "A run past the last event.", "Malformed", plaintextOf(all, { last: 4 })),
  bad(
    "table-empty-run",
    "A run of no bytes.",
    "Malformed",
    plaintextOf(all, {
      table: [{ run: checkpoint, length: 0 }, ...[flag, chat, mail].map((run) => ({ run }))]
    })
  ),
  bad(
    "runs-past-trailer",
    "A run that would reach into the trailer.",
    "Truncated",
    plaintextOf(all, {
      table: [...[checkpoint, flag, chat].map((run) => ({ run })), { run: mail, length: SMALL }]
    })
  ),
  bad(
    "runs-over-limit",
    "Runs of more bytes than a segment may have.",
    "Limit",
    plaintextOf(all, {
      table: [...[checkpoint, flag, chat].map((run) => ({ run })), { run: mail, length: 2 ** 25 }]
    })
  ),
  bad(
    "run-length-short",
    "The table cuts a run's last byte off.",
    "Truncated",
    plaintextOf([flagAt(0)], {
      table: [{ run: flagAt(0), length: runBytes(flagAt(0)).length - 1 }]
    })
  ),
  bad(
    "run-length-long",
    "The table adds a byte of padding to a run.",
    "Malformed",
    plaintextOf([flagAt(0)], {
      table: [{ run: flagAt(0), length: runBytes(flagAt(0)).length + 1 }]
    })
  ),
  bad(
    "run-other-conversation",
    "The run says another conversation than the table.",
    "Mismatch",
    plaintextOf(
      withChat({ conversation: "chat-9" }),
      { labels: labelsOf(all), table: all.map((run) => ({ run })) }
    )
  ),
  bad(
    "run-other-class",
    "The run says another class than the table.",
    "Mismatch",
    plaintextOf(
      withChat({ over: { place: 1 } })
    )
  ),
  bad(
    "run-class",
    "A class that is not known yet, in the run.",
    "Unknown",
    plaintextOf(withChat({ over: { place: 3 } }))
  ),
  bad("run-codec", "A codec that is not known yet.", "Unknown", plaintextOf(withChat({ codec: 2 }))),
  bad(
    "run-alone-with-others",
    "Three events where one stands alone.",
    "Malformed",
    plaintextOf(withChat({ alone: true }))
  ),
  bad(
    "run-index-bits",
    "Bits behind the last index that are not zero.",
    "Malformed",
    plaintextOf(withChat({ over: { codes: "01" } }))
  ),
  bad(
    "run-index-past-last",
    "An index that leaves none for those after it.",
    "Malformed",
    plaintextOf(withChat({ over: { codes: "e0" } }))
  ),
  bad(
    "run-event-twice",
    "Two runs hold event 2 and none holds event 1.",
    "Mismatch",
    plaintextOf(withChat({ over: { codes: "80" } }))
  ),
  bad(
    "run-raw-over-limit",
    "A frame that says it holds more than any may.",
    "Limit",
    plaintextOf(
      [checkpoint, flag, chat, { ...mail, over: { rawLength: 2 ** 26 } }]
    )
  ),
  bad("padding", "A byte of the padding is not zero.", "Malformed", plaintextOf(all, { padding: "0001" })),
  bad(
    "frame-longer",
    "A frame that holds more than it says.",
    "Malformed",
    plaintextOf(
      [checkpoint, flag, chat, { ...mail, over: { rawLength: 301 } }]
    ),
    "events"
  ),
  bad(
    "frame-shorter",
    "A frame that holds less than it says.",
    "Malformed",
    plaintextOf(
      [checkpoint, flag, chat, { ...mail, over: { rawLength: 303 } }]
    ),
    "events"
  ),
  bad("frame-garbage", "A frame that is not brotli.", "Malformed", garbageFrame(), "events"),
  bad(
    "event-missing",
    "A frame that holds an event less than there are indices.",
    "Truncated",
    plaintextOf(
      withChat({ over: { raw: "0201aa02cccc" } })
    ),
    "events"
  ),
  bad(
    "event-too-many",
    "A frame that holds an event more than there are indices.",
    "Malformed",
    plaintextOf(
      withChat({ over: { raw: "0201aa000201bb0201cc" } })
    ),
    "events"
  ),
  bad(
    "event-too-long",
    "An event longer than any may be, by its length.",
    "Limit",
    plaintextOf(
      withChat({ over: { raw: "818010" } })
    ),
    "events"
  ),
  bad(
    "many-indices",
    "More events in a run than a block has.",
    "Limit",
    plaintextOf(
      [{ ...flag, indices: nineties(65_537), events: [], over: { raw: "00".repeat(100) } }]
    )
  )
]

const flagAt = (index: number): VectorRun => ({ ...flag, indices: [index] })

/** The trailer's length one less: its first byte is then the first of the writer. */
function shorter(pieces: Pieces): Pieces {
  const tail = hex(pieces[2] as string)
  tail.writeUInt32BE(tail.readUInt32BE(tail.length - 4) - 1, tail.length - 4)
  return [pieces[0]!, pieces[1]!, tail.toString("hex")]
}

/** Bytes of the trailer before the times, before the labels, and of all its fixed part. */
const TIME_OFFSET = 1 + 8 + 6 + 6 + 32 + 32
const LABELS_OFFSET = TIME_OFFSET + 16

function timeTooFar(): Pieces {
  const [body, zeros, tail] = plaintextOf(all) as readonly [string, number, string]
  const bytes = hex(tail)
  bytes.writeBigInt64BE(2n ** 53n, TIME_OFFSET)
  bytes.writeBigInt64BE(2n ** 53n, TIME_OFFSET + 8)
  return [body, zeros, bytes.toString("hex")]
}

function notUtf8(): Pieces {
  const [body, zeros, tail] = plaintextOf(all) as readonly [string, number, string]
  const bytes = hex(tail)
  // The count, the empty label's length, the second label's length, and its first letter: the "I" of INBOX.
  bytes[LABELS_OFFSET + 3] = 0xc3
  return [body, zeros, bytes.toString("hex")]
}

function longNumber(): Pieces {
  const [body, zeros, tail] = plaintextOf([flagAt(0)]) as readonly [string, number, string]
  // The two labels take 1 + 7 + 9 bytes; then comes the number of runs, 01.
  const at = (LABELS_OFFSET + 17) * 2
  const length = hex(tail.slice(-8)).readUInt32BE(0) + 1
  const longer = `${tail.slice(0, at)}8100${tail.slice(at + 2, -8)}${length.toString(16).padStart(8, "0")}`
  return [body, zeros - 1, longer]
}

function garbageFrame(): Pieces {
  const [body, zeros, tail] = plaintextOf(all) as readonly [string, number, string]
  return [body.slice(0, -8) + "ffffffff", zeros, tail]
}
