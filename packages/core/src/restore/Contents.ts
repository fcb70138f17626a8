/**
 * The bytes behind a content, wherever they are: in the event, in an earlier event, or in blobs. Single events are
 * fetched by their place in a log, which costs the run they are in and nothing else.
 */
import { Effect, Stream } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { readLarge } from "../backup/Blobs.ts"
import { attempt } from "../format/Binary.ts"
import { decodeEvent } from "../format/EventCodec.ts"
import { FormatError } from "../format/FormatError.ts"
import { unpackRun } from "../format/Run.ts"
import type { Content, Event } from "../message/Event.ts"
import { contentOf } from "../message/EventContent.ts"
import { damageOf, type FetchError, type FetchShape, isGone } from "./Fetch.ts"
import type { RestoredContent } from "./Projection.ts"

/** What is read of a content that is not at hand is read when its bytes are asked for. */
export const restoredContent = (fetch: FetchShape, content: Content): RestoredContent => {
  switch (content._tag) {
    case "inline":
      return new InlineContent(content.bytes)
    case "blob":
      return { sha256: content.sha256, size: content.size, bytes: readLarge(fetch.ring, fetch.object, content) }
    case "same":
      return {
        sha256: content.sha256,
        size: content.size,
        bytes: Stream.fromEffect(sameBytes(fetch, content))
      }
  }
}

/** The event at a place of a log. */
export const eventAt = (fetch: FetchShape, writer: Uint8Array, index: number): Effect.Effect<Event, FetchError> =>
  pickAt(fetch, { writer, index }, (event) => event)

/** What is wanted of the event at a place of a log. Where the log has two histories, of the first that has it. */
const pickAt = Effect.fn("Contents.pickAt")(function*<A>(
  fetch: FetchShape,
  { index, writer }: { readonly writer: Uint8Array; readonly index: number },
  pick: (event: Event) => A | undefined
): Effect.fn.Return<A, FetchError> {
  let failure: FetchError | undefined
  for (let again = true; again; again = failure !== undefined && isGone(failure) && (yield* fetch.refresh)) {
    const log = fetch.writers.find((each) => Buffer.compare(each.writer, writer) === 0)
    for (const info of log?.segments ?? []) {
      if (info.first > index || info.last < index) continue
      const read = yield* Effect.either(eventIn(fetch, info, index))
      const picked = read._tag === "Right" ? pick(read.right) : undefined
      if (picked !== undefined) return picked
      failure = read._tag === "Left" ? read.left : failure ?? notHeld(index)
    }
  }
  return yield* failure ?? new FormatError({ reason: "Mismatch", what: `event ${index}`, detail: "no object holds it" })
})

const notHeld = (index: number) =>
  new FormatError({
    reason: "Mismatch",
    what: `event ${index}`,
    detail: "it does not hold the content that a later event names"
  })

/**
 * Those of these events that a log has and that can be read, each run read once however many of them are in it. What is
 * damaged is passed over: it is found and named where the log is opened.
 */
export const eventsAt = Effect.fn("Contents.eventsAt")(function*(
  fetch: FetchShape,
  writer: Uint8Array,
  indices: ReadonlyArray<number>
) {
  const found = new Map<number, Event>()
  const log = fetch.writers.find((each) => Buffer.compare(each.writer, writer) === 0)
  for (const info of log?.segments ?? []) {
    const wanted = new Set(indices.filter((index) => index >= info.first && index <= info.last && !found.has(index)))
    if (wanted.size > 0) yield* damageOf(pickFrom(fetch, info, wanted, found))
  }
  return found
})

const pickFrom = Effect.fn("Contents.pickFrom")(function*(
  fetch: FetchShape,
  info: Parameters<FetchShape["trailer"]>[0],
  wanted: ReadonlySet<number>,
  into: Map<number, Event>
) {
  const { runs } = yield* fetch.trailer(info)
  for (const entry of runs) {
    if (!spansAny(entry, wanted)) continue
    const [run] = yield* fetch.runs(info, [entry])
    const places = run!.indices.flatMap((index, at) => wanted.has(index) ? [[index, at] as const] : [])
    if (places.length === 0) continue
    const events = yield* unpackRun(run!)
    yield* attempt(() => {
      for (const [index, at] of places) into.set(index, decodeEvent(events[at]!))
    })
  }
})

const spansAny = ({ first, last }: { readonly first: number; readonly last: number }, wanted: ReadonlySet<number>) => {
  // Walks whichever is shorter: a window of one message spans one index, and a few attachments want few.
  if (last - first < wanted.size) {
    for (let index = first; index <= last; index++) if (wanted.has(index)) return true
    return false
  }
  for (const index of wanted) if (index >= first && index <= last) return true
  return false
}

const eventIn = Effect.fn("Contents.eventIn")(function*(
  fetch: FetchShape,
  info: Parameters<FetchShape["trailer"]>[0],
  index: number
) {
  const trailer = yield* fetch.trailer(info)
  for (const entry of trailer.runs) {
    if (entry.first > index || entry.last < index) continue
    const [run] = yield* fetch.runs(info, [entry])
    const at = run!.indices.indexOf(index)
    if (at >= 0) {
      const events = yield* unpackRun(run!)
      return yield* attempt(() => decodeEvent(events[at]!))
    }
  }
  return yield* new FormatError({ reason: "Mismatch", what: info.object, detail: `event ${index} is not in it` })
})

const sameBytes = (fetch: FetchShape, content: Extract<Content, { readonly _tag: "same" }>) =>
  pickAt(fetch, content, (event) => {
    const first = contentOf(event)
    return first?._tag === "inline" && digest(first.bytes).equals(content.sha256) ? first.bytes : undefined
  })

/** A class: every mail has one, and of most only the bytes are asked for. */
class InlineContent implements RestoredContent {
  readonly inline: Uint8Array

  constructor(bytes: Uint8Array) {
    this.inline = bytes
  }

  get sha256(): Uint8Array {
    return digest(this.inline)
  }

  get size(): number {
    return this.inline.length
  }

  get bytes(): Stream.Stream<Uint8Array> {
    return Stream.succeed(this.inline)
  }
}

const digest = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest()
