/**
 * Prints what a million small events cost on their way through the log, runs and segments: `npx esbuild
 * packages/core/test/bench/log.ts --bundle --platform=node --format=esm --conditions=@sealog/source
 * --outfile=.cache/bench-log.mjs && node .cache/bench-log.mjs`, from the root of the repository.
 */
import { decodeBlock, encodeBlock, eventsOf } from "@sealog/core/format/Block"
import { BLOCK_EVENTS } from "@sealog/core/format/Limits"
import { packRuns } from "@sealog/core/format/Run"
import { decodeSegment, encodeSegment } from "@sealog/core/format/Segment"
import { LogBuilder } from "@sealog/core/log/MerkleLog"
import { groupPlaced, type Placed } from "@sealog/core/testing/Windows"
import { Effect, Either } from "effect"

const COUNT = 1_000_000
const words = "the of and to in hello what time are you coming home tonight think should go maybe lunch yes no".split(
  " "
)

let state = 1
const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32

/** 300 conversations, a few of which have most of the messages, in the order of time. */
const events = Array.from({ length: COUNT }, (_, index): Placed => {
  const text = Array.from(
    { length: 4 + Math.floor(random() * 16) },
    () => words[Math.floor(random() ** 2 * words.length)]
  )
  return {
    source: "imessage",
    conversation: `chat-${Math.floor(300 * random() ** 3)}`,
    class: "additions",
    alone: false,
    bytes: new Uint8Array(Buffer.from(`3EB0${index.toString(36)} ${Math.floor(random() * 1e9)} ${text.join(" ")}`))
  }
})

const timed = async <A>(name: string, body: () => A | Promise<A>): Promise<A> => {
  const from = process.hrtime.bigint()
  const value = await body()
  console.log(`${name.padEnd(40)} ${(Number(process.hrtime.bigint() - from) / 1e6).toFixed(0).padStart(7)} ms`)
  return value
}

const raw = events.reduce((sum, event) => sum + event.bytes.length, 0)
console.log(`${COUNT} events, ${(raw / 1e6).toFixed(0)} MB`)
await timed("leaves and root", () => {
  const builder = LogBuilder.empty()
  for (const event of events) builder.append(event.bytes)
  return builder.head()
})
const blocks = Array.from({ length: Math.ceil(COUNT / BLOCK_EVENTS) }, (_, at) => at * BLOCK_EVENTS)
const windows = await timed(
  "group into windows",
  () => blocks.map((first) => groupPlaced(first, events.slice(first, first + BLOCK_EVENTS)))
)
const packed = await timed(
  "pack (brotli in the thread pool)",
  () => Effect.runPromise(Effect.forEach(windows, (each) => packRuns(each)))
)
const encoded = await timed("encode blocks", () =>
  packed.map((runs, at) => {
    const first = blocks[at]!
    return encodeBlock({ first, count: Math.min(BLOCK_EVENTS, COUNT - first), runs, blobs: [] })
  }))
const bytes = encoded.reduce((sum, block) => sum + block.length, 0)
const frames = packed.flat().reduce((sum, run) => sum + run.frame.length, 0)
console.log(`${(bytes / 1e6).toFixed(1)} MB of blocks, ${((bytes - frames) / 1e6).toFixed(2)} MB of it headers of runs`)
const decoded = await timed("decode blocks", () => encoded.map((block) => Either.getOrThrow(decodeBlock(block))))
await timed(
  "unpack all events",
  () => Effect.runPromise(Effect.forEach(decoded, (block) => Effect.map(eventsOf(block), (all) => all.length)))
)
const plaintext = await timed("encode segments of two blocks", () =>
  Array.from({ length: 8 }, (_, at) => {
    const [one, two] = [packed[2 * at]!, packed[2 * at + 1] ?? []]
    const first = 2 * at * BLOCK_EVENTS
    const last = Math.min(COUNT, first + 2 * BLOCK_EVENTS) - 1
    const root = new Uint8Array(32)
    return encodeSegment({
      writer: new Uint8Array(8),
      first,
      last,
      before: { size: first, root },
      after: { size: last + 1, root },
      runs: [...one, ...two],
      recordedFrom: 0,
      recordedTo: 1
    })
  }))
console.log(
  `${(plaintext.reduce((sum, each) => sum + each.length, 0) / 1e6).toFixed(1)} MB of segments, padding and all`
)
await timed("decode segments", () => plaintext.map((each) => Either.getOrThrow(decodeSegment(each)).runs.length))
