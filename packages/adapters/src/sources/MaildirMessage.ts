/**
 * From a file of a mail to the message that an event holds: the header fields that every reader wants at hand, the
 * places, and the exact bytes, or a way to read them again where they are too long for an event.
 */
import { type LargeContent, SourceError } from "@sealog/core/backup/Source"
import type { Message, Place } from "@sealog/core/message/Event"
import { textOfName } from "@sealog/core/message/MailFolder"
import { Chunk, Effect, Option, Stream } from "effect"
import { createHash } from "node:crypto"
import { breathe } from "./Breath.ts"
import { flagsOf } from "./MaildirName.ts"
import { type Failure, type MaildirStore, PIECE_BYTES, type Taken } from "./MaildirStore.ts"

/** A message without its content where that is long: capture sets it. */
export const messageOf = (key: string, taken: Taken, places: ReadonlyArray<Place>): Message => {
  const { at, atQuality, author, messageId, replyTo } = taken.header
  return {
    key,
    type: "mail",
    ...(at === undefined ? { at: atOfPlaces(places), atQuality: "unknown" } : { at, atQuality: atQuality ?? "second" }),
    ...(author === undefined ? {} : { author }),
    ...(replyTo === undefined ? {} : { replyTo }),
    flags: flagsOf(places),
    places,
    ...(taken.bytes === undefined ? {} : { content: { _tag: "inline", bytes: taken.bytes } as const }),
    ...(messageId === undefined ? {} : { extra: { messageId } })
  }
}

/** For a mail that says no time of its own: that of its oldest file, milliseconds. */
export const atOfPlaces = (places: ReadonlyArray<Place>): number => {
  const oldest = places.map(({ mtimeNs }) => BigInt(mtimeNs)).reduce(
    (a, b) => b < a ? b : a,
    places.length > 0 ? FAR : 0n
  )
  const floor = oldest / MILLI_NS - (oldest % MILLI_NS < 0n ? 1n : 0n)
  return Number(floor)
}

/** Bytes that are read again, piece by piece, when they are taken; fails if they are not the same by then. */
export const largeOf = (store: MaildirStore, path: string, { sha256, size }: Taken): LargeContent => ({
  sha256,
  size,
  bytes: Stream.suspend(() => {
    const hash = createHash("sha256")
    return Stream.paginateChunkEffect(0, (offset) =>
      Effect.gen(function*() {
        yield* breathe
        const piece = store.read(path, offset, Math.min(PIECE_BYTES, size - offset))
        if (!(piece instanceof Uint8Array)) return yield* sourceError("read", path, piece)
        hash.update(piece)
        const next = offset + piece.length
        const ended = next >= size
        if (piece.length === 0 ? size > 0 : ended && !hash.copy().digest().equals(sha256)) {
          return yield* new SourceError({ reason: "Changed", method: "read", subject: textOfName(path) })
        }
        return [Chunk.of(piece), ended ? Option.none() : Option.some(next)] as const
      }))
  })
})

export const sourceError = (method: string, path: string, { cause, code }: Failure): SourceError =>
  new SourceError({
    reason: REASONS[code] ?? "Unreadable",
    method,
    subject: path === "" ? "." : textOfName(path),
    cause
  })

const REASONS: Readonly<Record<string, SourceError["reason"]>> = {
  ENOENT: "Changed",
  ENOTDIR: "Changed",
  EACCES: "Denied",
  EPERM: "Denied"
}

const MILLI_NS = 1_000_000n
/** Later than every time a file system knows, nanoseconds. */
const FAR = 2n ** 63n
