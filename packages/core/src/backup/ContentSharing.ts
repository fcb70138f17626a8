/**
 * Content is kept inline once for each log: an event that brings the same bytes again names the event that has them.
 * A mail that is filed twice, a file that comes back, cost a reference.
 */
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { CONTENT_INDEX_BYTES } from "../format/Limits.ts"
import type { Fact } from "../message/Event.ts"
import { contentOf, withContent } from "../message/EventContent.ts"
import type { ContentEntry, JournalShape } from "./Journal.ts"

/** Facts as they go into the log, and which contents they bring into it. */
export interface Shared {
  readonly facts: ReadonlyArray<Fact>
  readonly contents: ReadonlyArray<ContentEntry>
}

export const shareContents = Effect.fn("ContentSharing.share")(function*(
  journal: JournalShape,
  told: ReadonlyArray<{ readonly fact: Fact; readonly sha256?: Uint8Array }>,
  at: {
    /** The index that the first fact will have. */
    readonly first: number
    /** Where contents stand that the journal does not know yet, by SHA-256 in hex. */
    readonly pending: ReadonlyMap<string, number>
  }
) {
  const digests = told.map(digestOf)
  const unknown = digests.filter((digest) => digest !== undefined && !at.pending.has(digest)) as ReadonlyArray<string>
  const found = unknown.length === 0 ? [] : yield* journal.contents(unknown)
  const indices = new Map<string, number>()
  unknown.forEach((digest, place) => {
    const index = found[place]
    if (index !== undefined) indices.set(digest, index)
  })
  const { writer } = yield* journal.identity
  const contents: Array<ContentEntry> = []
  const facts = told.map(({ fact }, place) => {
    const digest = digests[place]
    if (digest === undefined) return fact
    const index = indices.get(digest) ?? at.pending.get(digest)
    if (index !== undefined) {
      const sha256 = Buffer.from(digest, "hex")
      return withContent(fact, { _tag: "same", sha256, size: inlineSize(fact), writer, index })
    }
    indices.set(digest, at.first + place)
    contents.push([digest, at.first + place])
    return fact
  })
  return { facts, contents } satisfies Shared
})

/** Which contents events bring into a log, the first of which has index `first`. */
export const contentsIn = (events: ReadonlyArray<Fact>, first: number): ReadonlyArray<ContentEntry> =>
  events.flatMap((fact, at): ReadonlyArray<ContentEntry> => {
    const digest = digestOf({ fact })
    return digest === undefined ? [] : [[digest, first + at]]
  })

/** Of a content that is worth a reference, hex. */
const digestOf = ({ fact, sha256 }: { readonly fact: Fact; readonly sha256?: Uint8Array }): string | undefined => {
  const content = contentOf(fact)
  if (content?._tag !== "inline" || content.bytes.length < CONTENT_INDEX_BYTES) return undefined
  return sha256 === undefined
    ? createHash("sha256").update(content.bytes).digest("hex")
    : Buffer.from(sha256.buffer, sha256.byteOffset, sha256.length).toString("hex")
}

const inlineSize = (fact: Fact): number => {
  const content = contentOf(fact)
  return content?._tag === "inline" ? content.bytes.length : 0
}
