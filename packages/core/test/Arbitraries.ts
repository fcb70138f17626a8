/**
 * Events of every kind for property tests: everything the types allow, in the one form that decoding gives back
 * (integers as numbers where these are exact, sets sorted). A kind or field that is missing here does not compile.
 */
import { compareUtf8 } from "@sealog/core/format/EventBytes"
import type {
  Attachment,
  BodyOf,
  Content,
  Event,
  EventOf,
  Kind,
  Message,
  Place,
  Value
} from "@sealog/core/message/Event"
import * as fc from "fast-check"

/** Any well-formed text; often short and plain, as most is. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: "grapheme", minLength: 40, maxLength: 90 }),
  fc.constantFrom("", "\0", "__proto__", "\ufeffbom", "\ufffd", "\u{1f512}".repeat(40))
)

const bytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 40 })

const byteName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("", ".Sent", "new"),
  fc.uint8Array({ maxLength: 30 }).map((name) => String.fromCharCode(...name))
)

const integer = fc.maxSafeInteger().map((value) => value === 0 ? 0 : value)
const shortest = (value: bigint): number | bigint => Number.isSafeInteger(Number(value)) ? Number(value) : value

/** A number where that is exact. */
const int64: fc.Arbitrary<number | bigint> = fc.oneof(
  integer,
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(shortest),
  fc.constantFrom<number | bigint>(
    2n ** 63n - 1n,
    -(2n ** 63n),
    2n ** 53n,
    -(2n ** 53n),
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    2 ** 52
  )
)

export const millis: fc.Arbitrary<number> = fc.oneof(integer, fc.integer({ min: 0, max: 2_000_000_000_000 }))
const size = fc.maxSafeInteger().map((value) => value === 0 ? 0 : Math.abs(value))
const float = fc.double().map((value) => value === 0 ? 0 : value)

const key = fc.oneof(text, fc.constantFrom("$int", "$bytes", "$map", "__proto__", "constructor", "toString", "1"))

export const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    fc.oneof<Array<fc.Arbitrary<Value>>>(fc.constant(null), fc.boolean(), int64, float, text, bytes),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries): Value => Object.fromEntries(entries))
  )
})).value

const words = fc.uniqueArray(text, { maxLength: 4 }).map((items) => items.toSorted(compareUtf8))
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 })
const writer = fc.uint8Array({ minLength: 8, maxLength: 8 })

const content: fc.Arbitrary<Content> = fc.oneof<Array<fc.Arbitrary<Content>>>(
  fc.record({ _tag: fc.constant("inline"), bytes }),
  fc.record({ _tag: fc.constant("same"), sha256: digest, size, writer, index: size }),
  fc.record({
    sha256: digest,
    writer,
    epoch: size,
    parts: fc.array(fc.record({ sha256: digest, size: fc.nat(16 * 1024 * 1024) }), { maxLength: 4 })
  }).map((blob) => ({ _tag: "blob", ...blob, size: blob.parts.reduce((sum, part) => sum + part.size, 0) }))
)

const place: fc.Arbitrary<Place> = fc.record({
  folder: byteName,
  sub: fc.constantFrom("new", "cur"),
  name: byteName,
  mtimeNs: int64
})

const attachment: fc.Arbitrary<Attachment> = fc.record(
  { id: text, name: text, mime: text, size: int64, extra: value },
  { requiredKeys: ["id"] }
)

export const message: fc.Arbitrary<Message> = fc.record(
  {
    key: text,
    at: millis,
    atQuality: fc.constantFrom("exact", "second", "minute", "local", "unknown"),
    author: text,
    direction: fc.constantFrom("in", "out", "unknown"),
    type: text,
    sourceType: text,
    service: text,
    subject: text,
    text,
    parts: fc.array(value, { maxLength: 3 }),
    attachments: fc.array(attachment, { maxLength: 3 }),
    replyTo: text,
    threadRoot: text,
    history: fc.array(value, { maxLength: 3 }),
    flags: words,
    reactions: fc.array(fc.record({ author: text, emoji: text }), { maxLength: 3 }),
    places: fc.array(place, { maxLength: 3 }),
    content,
    raw: fc.record({ format: text, bytes }),
    extra: value
  } satisfies { [K in keyof Required<Message>]: fc.Arbitrary<Exclude<Message[K], undefined>> },
  { requiredKeys: ["key", "type"] }
)

const scope = fc.constantFrom("everyone", "me", "admin", "expired", "vanished", "recoverable")
const head = { writer, size, root: digest }

type Bodies = {
  readonly [K in Kind]: {
    readonly [F in keyof Required<BodyOf<K>>]: fc.Arbitrary<Exclude<Required<BodyOf<K>>[F], undefined>>
  }
}

const mutable = { key: text, flags: words, places: fc.array(place, { maxLength: 3 }), origin: size }
const reaction = { key: text, part: text, author: text, emoji: text, when: millis, origin: size }

const bodies: Bodies = {
  "account.seen": { account: text, name: text, extra: value },
  "participant.upsert": {
    participant: text,
    name: text,
    addresses: fc.array(text, { maxLength: 3 }),
    extra: value
  },
  "chat.upsert": { title: text, type: text, folder: byteName, extra: value },
  "chat.members": { members: fc.array(text, { maxLength: 4 }) },
  "chat.removed": { folder: byteName },
  "message.added": { message },
  "message.edited": { message, origin: size },
  "message.removed": { key: text, scope, by: text, when: millis, origin: size },
  "message.restored": mutable,
  "message.flags": mutable,
  "reaction.added": reaction,
  "reaction.removed": reaction,
  "reaction.snapshot": { key: text, reactions: value, origin: size },
  "receipt.changed": { key: text, receipt: text, by: text, when: millis, origin: size },
  "poll.vote": { key: text, author: text, vote: value, origin: size },
  "attachment.seen": { key: text, attachment, origin: size },
  "attachment.content": { key: text, attachment: text, content, origin: size },
  "attachment.missing": { key: text, attachment: text, reason: text, origin: size },
  "file.upsert": { path: byteName, mtimeNs: int64, content },
  "file.removed": { path: byteName },
  "source.checkpoint": { counts: value, cursor: bytes },
  "source.gap": { subject: text, reason: text, closed: fc.boolean() },
  "source.schema": { store: text, version: text, extra: value },
  "witness": { ...head, target: text },
  "keys.changed": {
    epoch: size,
    slots: fc.array(digest, { maxLength: 3 }),
    heads: fc.array(fc.record(head), { maxLength: 3 })
  },
  "log.continues": head,
  "log.replaces": head
}

/** Fields that may be absent, by kind; those of a message are its own. */
const optional: { readonly [K in Kind]: ReadonlyArray<string> } = {
  "account.seen": ["name", "extra"],
  "participant.upsert": ["name", "addresses", "extra"],
  "chat.upsert": ["title", "type", "folder", "extra"],
  "chat.members": [],
  "chat.removed": ["folder"],
  "message.added": [],
  "message.edited": ["origin"],
  "message.removed": ["by", "when", "origin"],
  "message.restored": ["flags", "places", "origin"],
  "message.flags": ["flags", "places", "origin"],
  "reaction.added": ["part", "when", "origin"],
  "reaction.removed": ["part", "when", "origin"],
  "reaction.snapshot": ["origin"],
  "receipt.changed": ["by", "when", "origin"],
  "poll.vote": ["origin"],
  "attachment.seen": ["origin"],
  "attachment.content": ["origin"],
  "attachment.missing": ["origin"],
  "file.upsert": [],
  "file.removed": [],
  "source.checkpoint": ["cursor"],
  "source.gap": ["closed"],
  "source.schema": ["extra"],
  "witness": ["target"],
  "keys.changed": [],
  "log.continues": [],
  "log.replaces": []
}

/** Events of one kind. */
export const eventOf = <K extends Kind>(kind: K): fc.Arbitrary<EventOf<K>> => {
  const fields: Record<string, fc.Arbitrary<unknown>> = bodies[kind]
  const model = { kind: fc.constant(kind), recordedAt: millis, source: text, conversation: text, ...fields }
  const requiredKeys = Object.keys(model).filter((field) => !optional[kind].includes(field))
  return fc.record(model, { requiredKeys: requiredKeys as never }) as unknown as fc.Arbitrary<EventOf<K>>
}

/** Events of every kind. */
export const event: fc.Arbitrary<Event> = fc.oneof(
  ...(Object.keys(bodies) as Array<Kind>).map((kind) => eventOf(kind) as fc.Arbitrary<Event>)
)
