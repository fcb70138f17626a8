/**
 * Writes a segment's plaintext field by field after `docs/format.md`, apart from the encoder that ships, so that a
 * vector can be wrong in a single place.
 */
import { ByteWriter } from "@sealog/core/format/Binary"
import { brotliCompressSync, constants } from "node:zlib"

/** A plaintext in pieces: hex, and numbers of zeros. */
export type Pieces = ReadonlyArray<string | number>

export interface VectorRun {
  readonly source: string
  readonly conversation: string
  /** 0 control, 1 changes, 2 additions. */
  readonly class: number
  readonly alone?: boolean
  readonly indices: ReadonlyArray<number>
  readonly events: ReadonlyArray<string>
  readonly codec?: number
  /** In place of what follows from the above. */
  readonly over?: {
    readonly place?: number
    readonly raw?: string
    readonly rawLength?: number
    readonly codes?: string
  }
}

export interface Overrides {
  readonly version?: number
  readonly first?: number
  readonly last?: number
  readonly recordedFrom?: number
  readonly recordedTo?: number
  readonly labels?: ReadonlyArray<string>
  readonly table?: ReadonlyArray<{ readonly run: VectorRun; readonly place?: number; readonly length?: number }>
  readonly trailerEnd?: string
  readonly trailerLength?: number
  readonly padding?: string
  readonly plaintextBytes?: number
}

export const hex = (text: string) => Buffer.from(text, "hex")

/** A sealed object of 4096 bytes holds so many of plaintext: 4096 - 64 - 16. */
export const SMALL = 4016

export const chat: VectorRun = {
  source: "imessage",
  conversation: "chat-1",
  class: 2,
  indices: [0, 1, 3],
  events: ["01aa", "", "03cc03cc"]
}
export const flag: VectorRun = { source: "imessage", conversation: "chat-1", class: 1, indices: [2], events: ["02bb"] }
export const mail: VectorRun = {
  source: "maildir",
  conversation: "INBOX",
  class: 2,
  alone: true,
  indices: [4],
  events: ["04".repeat(300)],
  codec: 1
}
export const checkpoint: VectorRun = { source: "", conversation: "", class: 0, indices: [5], events: ["05"] }
/** In the order of class, source, conversation, first index. */
export const all = [checkpoint, flag, chat, mail]

const rawOf = (run: VectorRun): Buffer => {
  const writer = new ByteWriter()
  for (const event of run.events) writer.bytes(hex(event))
  return Buffer.from(writer.finish())
}

const placeOf = (run: VectorRun) => run.class + (run.alone === true ? 4 : 0)

/** `first, count, slack`, and the Rice codes as the vector gives them, where there are any. */
const span = (writer: ByteWriter, indices: ReadonlyArray<number>, from: number) => {
  const first = indices[0]!
  writer.varint(first - from).varint(indices.length)
  if (indices.length > 1) writer.varint(indices.at(-1)! - first - (indices.length - 1))
}

export const runBytes = (run: VectorRun): Uint8Array => {
  const { codec = 0, indices, over = {} } = run
  const raw = over.raw === undefined ? rawOf(run) : hex(over.raw)
  const params = { [constants.BROTLI_PARAM_QUALITY]: 3 }
  const frame = codec === 1 ? brotliCompressSync(raw, { params }) : raw
  const writer = new ByteWriter().u8(over.place ?? placeOf(run)).text(run.source).text(run.conversation)
  span(writer, indices, 0)
  // 0, 1, 3: slack 1, k = 0, and of the distance from 0 to 1, less 1, the code "0".
  if (indices.length === 3) writer.raw(hex(over.codes ?? "00"))
  writer.u8(codec).varint(over.rawLength ?? raw.length)
  if (codec !== 0) writer.varint(frame.length)
  return writer.raw(frame).finish()
}

export const plaintextOf = (runs: ReadonlyArray<VectorRun>, over: Overrides = {}): Pieces => {
  const body = Buffer.concat(runs.map(runBytes))
  const first = over.first ?? Math.min(...runs.flatMap((run) => run.indices))
  const last = over.last ?? Math.max(...runs.flatMap((run) => run.indices))
  const labels = over.labels ?? labelsOf(runs)
  const trailer = new ByteWriter().u8(over.version ?? 1).raw(hex("a1a2a3a4a5a6a7a8")).u48(first).u48(last)
  trailer.raw(Buffer.alloc(32, 0xbe)).raw(Buffer.alloc(32, 0xaf))
  trailer.millis(over.recordedFrom ?? 1_700_000_000_000).millis(over.recordedTo ?? 1_700_000_001_000)
  trailer.varint(labels.length)
  for (const label of labels) trailer.text(label)
  const table = over.table ?? runs.map((run) => ({ run }))
  trailer.varint(table.length)
  for (const { length, place, run } of table as NonNullable<Overrides["table"]>) {
    trailer.u8(place ?? placeOf(run)).varint(labels.indexOf(run.source)).varint(labels.indexOf(run.conversation))
    span(trailer, run.indices, first)
    trailer.varint(length ?? runBytes(run).length)
  }
  const end = Buffer.concat([trailer.raw(hex(over.trailerEnd ?? "")).finish()])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(over.trailerLength ?? end.length)
  const zeros = (over.plaintextBytes ?? SMALL) - body.length - end.length - 4 - (over.padding ?? "").length / 2
  return [body.toString("hex") + (over.padding ?? ""), zeros, end.toString("hex") + length.toString("hex")]
}

export const labelsOf = (runs: ReadonlyArray<VectorRun>): ReadonlyArray<string> =>
  [...new Set(runs.flatMap((run) => [run.source, run.conversation]))]
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
