/**
 * A block is what one durable write adds to the log: contiguous events, as runs. It lives in the journal only; what
 * leaves the machine are segments made of the same runs.
 */
import { Effect, type Either } from "effect"
import type { EventClass } from "../message/Event.ts"
import { ByteWriter, parse } from "./Binary.ts"
import type { FormatError } from "./FormatError.ts"
import { BLOB_PARTS, BLOCK_EVENTS, NAME_CHARS } from "./Limits.ts"
import { checkCover, decodeRun, encodeRun, eventsOfRuns, type Run, unpackRuns } from "./Run.ts"

export interface Block {
  /** The index of its first event. */
  readonly first: number
  readonly count: number
  readonly runs: ReadonlyArray<Run>
  /** Names of the blobs that its events need, so that these can be shipped before it without opening a run. */
  readonly blobs: ReadonlyArray<string>
}

/** An event as its bytes and its place in the log. */
export interface IndexedEvent {
  readonly index: number
  readonly bytes: Uint8Array
}

/**
 * `u8 version, first u48, count varint, run count varint, runs, blob count varint, blob names`. Throws a `FormatError`
 * where the runs are not the block's events: a writer's fault, found before it is written.
 */
export const encodeBlock = (block: Block): Uint8Array => {
  checkCover(block.runs, block, "block")
  const size = block.runs.reduce((sum, run) => sum + run.frame.length + RUN_HEADER_BYTES, RUN_HEADER_BYTES)
  const writer = new ByteWriter(size)
  writer.u8(VERSION).u48(block.first).varint(block.count).varint(block.runs.length)
  for (const run of block.runs) encodeRun(writer, run)
  writer.varint(block.blobs.length)
  for (const name of block.blobs) writer.text(name)
  return writer.finish()
}

/** The runs' frames are views of the bytes. */
export const decodeBlock = (bytes: Uint8Array): Either.Either<Block, FormatError> =>
  parse(bytes, "block", (reader) => {
    const version = reader.u8()
    if (version !== VERSION) reader.fail("Unknown", `version ${version}`)
    const first = reader.u48()
    const count = reader.count(BLOCK_EVENTS)
    const runs: Array<Run> = []
    for (let left = reader.count(count); left > 0; left--) runs.push(decodeRun(reader))
    checkCover(runs, { first, count }, "block")
    const blobs: Array<string> = []
    for (let left = reader.count(BLOB_PARTS); left > 0; left--) blobs.push(reader.text(MAX_NAME_BYTES))
    return { first, count, runs, blobs }
  })

/** Every event of a block, in the order of the log. */
export const eventsOf = (block: Block): Effect.Effect<ReadonlyArray<Uint8Array>, FormatError> =>
  eventsOfRuns(block.first, block.count, block.runs)

/** The events of some runs, of the classes wanted (all, where none are named), in the order of the log. */
export const selectEvents = Effect.fn("Block.selectEvents")(function*(
  runs: ReadonlyArray<Run>,
  options: { readonly classes?: ReadonlySet<EventClass> } = {}
): Effect.fn.Return<ReadonlyArray<IndexedEvent>, FormatError> {
  const { classes } = options
  const wanted = classes === undefined ? runs : runs.filter((run) => classes.has(run.class))
  const events: Array<IndexedEvent> = []
  yield* unpackRuns(wanted, ({ indices }, bytes) => {
    for (let n = 0; n < bytes.length; n++) events.push({ index: indices[n]!, bytes: bytes[n]! })
  })
  return events.toSorted((a, b) => a.index - b.index)
})

const VERSION = 1

/** A folder, a slash, and the letters. */
const MAX_NAME_BYTES = NAME_CHARS + 16

/** A guess that spares the writer most of its growing. */
const RUN_HEADER_BYTES = 128
