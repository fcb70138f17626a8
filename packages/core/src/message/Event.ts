/**
 * An event is one immutable fact about a message store: a message was added, edited, deleted, reacted to.
 * Events are what the log holds and all that it holds; every state is a fold of them (`Archive`).
 *
 * The Schemas here are the outside form (JSON lines, the control socket, documentation); the log itself uses the
 * binary form of `format/EventCodec`, which covers the same fields and nothing else.
 */
import { Schema } from "effect"
import { type Value, ValueSchema } from "../format/Value.ts"

/** Milliseconds since 1970-01-01T00:00:00Z, an integer, negative before that. */
const Millis = Schema.Int.annotations({ identifier: "Millis" })

/** A 64-bit integer, exact: a number where that is exact, else a bigint. */
const Int64 = Schema.Union(Schema.Int, Schema.BigInt).annotations({ identifier: "Int64" })
export type Int64 = typeof Int64.Type

/** Bytes; base64 outside. */
const Bytes = Schema.Uint8ArrayFromBase64.annotations({ identifier: "Bytes" })

/**
 * A file name or relative path as the file system has it: one character (U+0000 to U+00FF) for each byte, so that
 * names which are not UTF-8 survive. Separators are `/`.
 */
const ByteName = Schema.String.pipe(Schema.pattern(/^[\u0000-\u00ff]*$/)).annotations({ identifier: "ByteName" })

/** Structured data a store has beyond the fields below: JSON with exact integers and bytes. */
export type { Value }

/** Where a byte string of a message is kept. */
export const Content = Schema.Union(
  /** In the event itself: under `Limits.INLINE_CONTENT_BYTES`. */
  Schema.TaggedStruct("inline", { bytes: Bytes }),
  /** The same bytes as the inline content of an earlier event. */
  Schema.TaggedStruct("same", { sha256: Bytes, size: Schema.Int, writer: Bytes, index: Schema.Int }),
  /** In blobs of at most `Limits.BLOB_PART_BYTES` each, owned by `writer`, sealed under `epoch`. */
  Schema.TaggedStruct("blob", {
    sha256: Bytes,
    size: Schema.Int,
    writer: Bytes,
    epoch: Schema.Int,
    parts: Schema.Array(Schema.Struct({ sha256: Bytes, size: Schema.Int }))
  })
).annotations({ identifier: "Content" })
export type Content = typeof Content.Type

/** One place where a file-based store keeps a message: the file `folder/sub/name`, as its own bytes. */
export const Place = Schema.Struct({
  folder: ByteName,
  sub: Schema.Literal("new", "cur"),
  name: ByteName,
  mtimeNs: Int64
}).annotations({ identifier: "Place" })
export type Place = typeof Place.Type

export const Attachment = Schema.Struct({
  id: Schema.String,
  name: Schema.optionalWith(Schema.String, { exact: true }),
  mime: Schema.optionalWith(Schema.String, { exact: true }),
  size: Schema.optionalWith(Int64, { exact: true }),
  extra: Schema.optionalWith(ValueSchema, { exact: true })
}).annotations({ identifier: "Attachment" })
export type Attachment = typeof Attachment.Type

/** How exactly the store knows a time. */
export const TimeQuality = Schema.Literal("exact", "second", "minute", "local", "unknown")
export const Direction = Schema.Literal("in", "out", "unknown")
/** By whom or how a message went: `vanished` left no trace in the store. */
export const RemovalScope = Schema.Literal("everyone", "me", "admin", "expired", "vanished", "recoverable")

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })
const value = ValueSchema

/** A whole message as its store has it; absent means the store has no such thing. */
export const Message = Schema.Struct({
  /** The store's own stable identity of it, unique within the source. */
  key: Schema.String,
  at: optional(Millis),
  atQuality: optional(TimeQuality),
  author: optional(Schema.String),
  direction: optional(Direction),
  /** `text`, `mail`, `image`, … or `unknown`, beside the store's raw code in `sourceType`. */
  type: Schema.String,
  sourceType: optional(Schema.String),
  service: optional(Schema.String),
  subject: optional(Schema.String),
  text: optional(Schema.String),
  parts: optional(Schema.Array(value)),
  attachments: optional(Schema.Array(Attachment)),
  /** The key of the message this one answers, or the Message-ID it names. */
  replyTo: optional(Schema.String),
  threadRoot: optional(Schema.String),
  /** Earlier versions that the store itself keeps, oldest first. */
  history: optional(Schema.Array(value)),
  /** Sorted, without repeats. */
  flags: optional(Schema.Array(Schema.String)),
  /** Reactions that were there when the message was first seen. */
  reactions: optional(Schema.Array(Schema.Struct({ author: Schema.String, emoji: Schema.String }))),
  places: optional(Schema.Array(Place)),
  /** The exact bytes of a message whose store keeps it as bytes (a mail). */
  content: optional(Content),
  /** Only what the fields above cannot reproduce. */
  raw: optional(Schema.Struct({ format: Schema.String, bytes: Bytes })),
  extra: optional(value)
}).annotations({ identifier: "Message" })
export type Message = typeof Message.Type

const key = { key: Schema.String }
/** The index of the `message.added` that a change is about, where capture knows it: a reader can then fetch just that. */
const origin = { origin: optional(Schema.Int) }
const head = { writer: Bytes, size: Schema.Int, root: Bytes }

/** What each kind of event says, beside the header that all have. */
export const bodies = {
  "account.seen": { account: Schema.String, name: optional(Schema.String), extra: optional(value) },
  "participant.upsert": {
    participant: Schema.String,
    name: optional(Schema.String),
    addresses: optional(Schema.Array(Schema.String)),
    extra: optional(value)
  },
  "chat.upsert": {
    title: optional(Schema.String),
    type: optional(Schema.String),
    /** For a store of folders: the folder itself. */
    folder: optional(ByteName),
    extra: optional(value)
  },
  "chat.members": { members: Schema.Array(Schema.String) },
  "chat.removed": { folder: optional(ByteName) },
  "message.added": { message: Message },
  /** The full new version. */
  "message.edited": { message: Message, ...origin },
  "message.removed": {
    ...key,
    scope: RemovalScope,
    by: optional(Schema.String),
    when: optional(Millis),
    ...origin
  },
  /** Back again, with its mutable side as it is now. */
  "message.restored": {
    ...key,
    flags: optional(Schema.Array(Schema.String)),
    places: optional(Schema.Array(Place)),
    ...origin
  },
  /** The mutable side of a message, whole: read, starred, keywords, the folders it is in. */
  "message.flags": {
    ...key,
    flags: optional(Schema.Array(Schema.String)),
    places: optional(Schema.Array(Place)),
    ...origin
  },
  "reaction.added": {
    ...key,
    part: optional(Schema.String),
    author: Schema.String,
    emoji: Schema.String,
    when: optional(Millis),
    ...origin
  },
  "reaction.removed": {
    ...key,
    part: optional(Schema.String),
    author: Schema.String,
    emoji: Schema.String,
    when: optional(Millis),
    ...origin
  },
  /** For stores that keep only how many there are. */
  "reaction.snapshot": { ...key, reactions: value, ...origin },
  "receipt.changed": {
    ...key,
    receipt: Schema.String,
    by: optional(Schema.String),
    when: optional(Millis),
    ...origin
  },
  "poll.vote": { ...key, author: Schema.String, vote: value, ...origin },
  "attachment.seen": { ...key, attachment: Attachment, ...origin },
  "attachment.content": { ...key, attachment: Schema.String, content: Content, ...origin },
  "attachment.missing": { ...key, attachment: Schema.String, reason: Schema.String, ...origin },
  /** A file that belongs to the store but is no message: a mail server's index, subscriptions. */
  "file.upsert": { path: ByteName, mtimeNs: Int64, content: Content },
  "file.removed": { path: ByteName },
  "source.checkpoint": { counts: value, cursor: optional(Bytes) },
  /** Something in the store that could not be read, or, with `closed`, can be read now. */
  "source.gap": { subject: Schema.String, reason: Schema.String, closed: optional(Schema.Boolean) },
  "source.schema": { store: Schema.String, version: Schema.String, extra: optional(value) },
  /** The newest head this writer knows of another writer's log, or of its own at a target. */
  "witness": { ...head, target: optional(Schema.String) },
  "keys.changed": {
    epoch: Schema.Int,
    slots: Schema.Array(Bytes),
    heads: Schema.Array(Schema.Struct(head))
  },
  /** First event of a log that goes on where another was left, at the head named. */
  "log.continues": head,
  /** Last event of a rewritten log that stands for another one from now on. */
  "log.replaces": head
} as const

/** What every event has: when it was recorded (never less than the event before), its source and conversation. */
export const header = {
  recordedAt: Millis,
  /** The name of the source instance; empty for events of the log itself. */
  source: Schema.String,
  /** Empty where an event belongs to none. */
  conversation: Schema.String
} as const

export type Kind = keyof typeof bodies

/** The fields of one kind, beside the header. */
export type BodyOf<K extends Kind> = Schema.Struct.Type<(typeof bodies)[K]>
type HeaderType = Schema.Struct.Type<typeof header>

/** The event of one kind. */
export type EventOf<K extends Kind> = K extends Kind ? HeaderType & BodyOf<K> & { readonly kind: K } : never
export type Event = EventOf<Kind>

/** What an event says, before it has a header. */
export type Fact = { [K in Kind]: BodyOf<K> & { readonly kind: K; readonly conversation: string } }[Kind]

export const kinds = Object.keys(bodies) as ReadonlyArray<Kind>

/**
 * How a reader meets an event: control first, then the changes to messages, then the messages themselves as a
 * stream, each with its changes already known.
 */
export type EventClass = "control" | "changes" | "additions"

export const classOf = (kind: Kind): EventClass => {
  switch (kind) {
    case "message.added":
    case "attachment.content":
    case "file.upsert":
      return "additions"
    case "source.checkpoint":
    case "source.gap":
    case "source.schema":
    case "witness":
    case "keys.changed":
    case "log.continues":
    case "log.replaces":
      return "control"
    default:
      return "changes"
  }
}

/**
 * Whether an event is compressed by itself. One compression window holds one conversation, and for what strangers
 * can send in bulk (mails, files) one item: somebody who can send you messages and sees sizes at your provider then
 * learns nothing about the rest.
 */
export const standsAlone = (event: Event | Fact): boolean =>
  ((event.kind === "message.added" || event.kind === "message.edited") && event.message.content !== undefined)
  || event.kind === "file.upsert"
  || event.kind === "attachment.content"
