/**
 * Content is kept inline once for each log: an event that brings the same bytes again names the event that has them.
 * A mail that is filed twice, a file that comes back, cost a reference.
 */
import { Effect } from "effect"
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

/** `first` is the index that the first fact will have. */
export const shareContents = Effect.fn("ContentSharing.share")(function*(
  journal: JournalShape,
  facts: ReadonlyArray<Fact>,
  first: number
) {
  const digests = facts.map(digestOf)
  const wanted = digests.filter((digest) => digest !== undefined)
  if (wanted.length === 0) return { facts, contents: [] } satisfies Shared
  const { writer } = yield* journal.identity
  const found = yield* journal.contents(wanted.map((digest) => digest.toString("hex")))
  const indices = new Map<string, number>()
  wanted.forEach((digest, at) => {
    const index = found[at]
    if (index !== undefined) indices.set(digest.toString("hex"), index)
  })
  const contents: Array<ContentEntry> = []
  const shared = facts.map((fact, at) => {
    const digest = digests[at]
    if (digest === undefined) return fact
    const sha256 = digest.toString("hex")
    const index = indices.get(sha256)
    if (index !== undefined) {
      return withContent(fact, { _tag: "same", sha256: digest, size: inlineSize(fact), writer, index })
    }
    indices.set(sha256, first + at)
    contents.push([sha256, first + at])
    return fact
  })
  return { facts: shared, contents } satisfies Shared
})

const digestOf = (fact: Fact): Buffer | undefined => {
  const content = contentOf(fact)
  return content?._tag === "inline" && content.bytes.length >= CONTENT_INDEX_BYTES
    ? createHash("sha256").update(content.bytes).digest()
    : undefined
}

const inlineSize = (fact: Fact): number => {
  const content = contentOf(fact)
  return content?._tag === "inline" ? content.bytes.length : 0
}
