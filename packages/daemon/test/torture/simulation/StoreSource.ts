/**
 * The source of a simulated store. It keeps the contract of every source; what it reads, it reads as the store is just
 * then: a message may go, and the whole store become unreadable, between the listing of a pass and its last batch.
 */
import {
  type Batch,
  type Draft,
  type LargeContent,
  SourceError,
  type SourceShape,
  type SourceState,
  type StoreItem
} from "@sealog/core/backup/Source"
import { coreLine } from "@sealog/core/message/Canonical"
import type { Event, Fact, Message } from "@sealog/core/message/Event"
import { Effect, Option, Queue, Stream } from "effect"
import { createHash } from "node:crypto"
import type { Gate } from "./Files.ts"
import { conversationOf, LARGE_BYTES, messageOf, type Store, type Stored } from "./Store.ts"

/** What is remembered of a message. */
interface Known {
  readonly origin?: number
  /** Of all that does not change by itself. */
  readonly digest: string
  readonly mutable: string
  readonly reactions: ReadonlyArray<string>
  readonly removed?: true
}

export interface StoreSourceOptions {
  readonly name: string
  readonly store: Store
  /** Messages in a batch. */
  readonly batch: number
  readonly readsAhead?: boolean
  readonly gate: Gate
  /** Goes by between two batches. */
  readonly pause: Effect.Effect<void>
}

export const makeStoreSource = (options: StoreSourceOptions): SourceShape => ({
  name: options.name,
  kind: "simulated",
  readsAhead: options.readsAhead ?? false,
  remember,
  changes: (state) => changes(options, state),
  hints: hints(options.store),
  dump: (asked) => dump(options, asked?.keys),
  gaps: gapsOf
})

/** What is known of such a source though its store is away. */
export const memory: Pick<SourceShape, "gaps" | "remember"> = {
  get gaps() {
    return gapsOf
  },
  get remember() {
    return remember
  }
}

const read = <A>({ gate, store }: StoreSourceOptions, method: string, work: () => A): Effect.Effect<A, SourceError> =>
  gate(
    method,
    Effect.suspend(() =>
      store.away === undefined
        ? Effect.sync(work)
        : Effect.fail(new SourceError({ reason: store.away, method, subject: "the store" }))
    )
  )

const changes = (options: StoreSourceOptions, state: SourceState): Stream.Stream<Batch, SourceError> =>
  Stream.unwrap(Effect.gen(function*() {
    const { batch, pause, store } = options
    const listed = yield* read(options, "list", () => ({
      keys: new Set(store.messages.keys()),
      paths: [...store.files.keys()],
      fresh: [...store.messages.values()].filter((stored) => !isKnown(state, stored)).map(({ key }) => key)
    }))
    const pages = Stream.unfoldEffect(0, (from) =>
      Effect.gen(function*() {
        if (from >= listed.fresh.length) return Option.none()
        if (from > 0) yield* pause
        const drafts = yield* read(options, "read", () =>
          listed.fresh.slice(from, from + batch).flatMap((key) => {
            const stored = store.get(key)
            // Gone since it was listed: the next pass tells what became of it.
            return stored === undefined ? [] : draftsOf(options, state, stored)
          }))
        return Option.some([drafts, from + batch] as const)
      }))
    const rest = Effect.suspend(() =>
      read(options, "read", () => [...goneOf(state, listed.keys), ...filesOf(store, state, listed.paths)])
    )
    return Stream.concat(pages, Stream.fromEffect(rest)).pipe(
      Stream.filter((drafts) => drafts.length > 0),
      Stream.map((drafts): Batch => ({ drafts }))
    )
  }))

/** Whether nothing differs from what is remembered. */
const isKnown = (state: SourceState, stored: Stored): boolean => {
  const isGap = state.has(`g:${stored.key}`)
  if (stored.unreadable === true) return isGap
  const known = isGap ? undefined : knownOf(state, stored.key)
  const now = factsOf(stored)
  return known !== undefined && known.removed !== true && known.digest === now.digest
    && known.mutable === now.mutable && known.reactions.join("\n") === now.reactions.join("\n")
}

/** What is remembered of a version, worked out once. */
const worked = new WeakMap<Stored, Pick<Known, "digest" | "mutable" | "reactions">>()

const factsOf = (stored: Stored): Pick<Known, "digest" | "mutable" | "reactions"> => {
  const known = worked.get(stored)
  if (known !== undefined) return known
  const message = messageOf(stored)
  const facts = { digest: digestOf(message), mutable: mutableOf(message), reactions: reactionsOf(message) }
  worked.set(stored, facts)
  return facts
}

const draftsOf = (options: StoreSourceOptions, state: SourceState, stored: Stored): ReadonlyArray<Draft> => {
  const { key } = stored
  const isGap = state.has(`g:${key}`)
  const subject = { kind: "source.gap", conversation: "", subject: key, reason: "could not be read" } as const
  if (stored.unreadable === true) return isGap ? [] : [{ fact: subject }]
  const closed: ReadonlyArray<Draft> = isGap ? [{ fact: { ...subject, closed: true } }] : []
  return [...closed, ...newsOf(options, knownOf(state, key), stored)]
}

/** What the store says of a message that is not known so. */
const newsOf = (
  options: StoreSourceOptions,
  known: Known | undefined,
  stored: Stored
): ReadonlyArray<Draft> => {
  const message = messageOf(stored)
  const conversation = conversationOf(stored)
  const { content: _, ...light } = message
  const large = largeOf(options, stored)
  const whole = (kind: "message.added" | "message.edited", origin: { readonly origin?: number }): Draft =>
    large === undefined
      ? { fact: { kind, conversation, message, ...origin } as Fact }
      : { fact: { kind, conversation, message: light, ...origin } as Fact, large }
  if (known === undefined) return [whole("message.added", {})]
  const origin = known.origin === undefined ? {} : { origin: known.origin }
  const about = { conversation, key: stored.key, ...origin }
  const mutable = { flags: message.flags ?? [], ...(message.places === undefined ? {} : { places: message.places }) }
  const drafts: Array<Draft> = []
  const isEdited = known.digest !== digestOf(message)
  if (isEdited) drafts.push(whole("message.edited", origin))
  if (known.removed === true) drafts.push({ fact: { kind: "message.restored", ...about, ...mutable } })
  else if (!isEdited && known.mutable !== mutableOf(message)) {
    drafts.push({ fact: { kind: "message.flags", ...about, ...mutable } })
  }
  if (!isEdited) {
    const now = reactionsOf(message)
    for (const each of now.filter((one) => !known.reactions.includes(one))) {
      drafts.push({ fact: { kind: "reaction.added", ...about, ...reactionOf(each) } })
    }
    for (const each of known.reactions.filter((one) => !now.includes(one))) {
      drafts.push({ fact: { kind: "reaction.removed", ...about, ...reactionOf(each) } })
    }
  }
  return drafts
}

/** Content that is read once more when it is taken, from the store as it is then. */
const largeOf = (options: StoreSourceOptions, { content, key }: Stored): LargeContent | undefined => {
  if (content === undefined || content.length < LARGE_BYTES) return undefined
  const half = content.length >> 1
  const piece = (from: number, to: number) =>
    Effect.filterOrFail(
      read(options, "readContent", () => options.store.get(key)?.content?.subarray(from, to)),
      (bytes) => bytes !== undefined,
      () => new SourceError({ reason: "Changed", method: "readContent", subject: key })
    )
  return {
    sha256: createHash("sha256").update(content).digest(),
    size: content.length,
    bytes: Stream.concat(Stream.fromEffect(piece(0, half)), Stream.fromEffect(piece(half, content.length)))
  }
}

const goneOf = (state: SourceState, there: ReadonlySet<string>): ReadonlyArray<Draft> =>
  [...state.keys()].flatMap((name): ReadonlyArray<Draft> => {
    const key = name.slice(2)
    if (there.has(key)) return []
    if (name.startsWith("g:")) {
      const reason = "could not be read"
      return [{ fact: { kind: "source.gap", conversation: "", subject: key, reason, closed: true } }]
    }
    const known = name.startsWith("m:") ? knownOf(state, key) : undefined
    if (known === undefined || known.removed === true) return []
    const origin = known.origin === undefined ? {} : { origin: known.origin }
    return [{ fact: { kind: "message.removed", conversation: "", key, scope: "vanished", ...origin } }]
  })

const filesOf = (store: Store, state: SourceState, listed: ReadonlyArray<string>): ReadonlyArray<Draft> => {
  const drafts: Array<Draft> = []
  for (const path of listed) {
    const file = store.files.get(path)
    if (file === undefined || state.get(`f:${path}`) === fileDigest(file.mtimeNs, file.bytes)) continue
    const content = { _tag: "inline", bytes: file.bytes } as const
    drafts.push({ fact: { kind: "file.upsert", conversation: "", path, mtimeNs: file.mtimeNs, content } })
  }
  for (const name of state.keys()) {
    const path = name.slice(2)
    if (!name.startsWith("f:") || listed.includes(path)) continue
    drafts.push({ fact: { kind: "file.removed", conversation: "", path } })
  }
  return drafts
}

/** The fold of the source's own events. */
const remember: SourceShape["remember"] = (event, index, table) => {
  if (event.kind === "source.gap") {
    if (event.closed === true) table.delete(`g:${event.subject}`)
    else table.set(`g:${event.subject}`, event.reason)
  } else if (event.kind === "file.upsert") {
    const { content } = event
    table.set(`f:${event.path}`, content._tag === "inline" ? fileDigest(event.mtimeNs, content.bytes) : "")
  } else if (event.kind === "file.removed") table.delete(`f:${event.path}`)
  else {
    const key = "message" in event ? event.message.key : "key" in event ? event.key : undefined
    if (key === undefined) return
    const known = after(knownIn(table.get(`m:${key}`)), event, index)
    if (known !== undefined) table.set(`m:${key}`, JSON.stringify(known))
  }
}

const after = (known: Known | undefined, event: Event, index: number): Known | undefined => {
  if (event.kind === "message.added" || event.kind === "message.edited") {
    const { message } = event
    const origin = event.kind === "message.added" ? index : known?.origin
    return {
      ...(origin === undefined ? {} : { origin }),
      digest: digestOf(message),
      mutable: mutableOf(message),
      reactions: reactionsOf(message),
      ...(event.kind === "message.edited" && known?.removed === true ? { removed: true } : {})
    }
  }
  if (known === undefined) return undefined
  const { removed: _, ...there } = known
  switch (event.kind) {
    case "message.removed":
      return { ...known, removed: true }
    case "message.restored":
      return { ...there, mutable: mutableOf(event) }
    case "message.flags":
      return { ...known, mutable: mutableOf(event) }
    case "reaction.added":
      return { ...known, reactions: [...known.reactions, reactionKey(event)].toSorted() }
    case "reaction.removed":
      return { ...known, reactions: known.reactions.filter((each) => each !== reactionKey(event)) }
    default:
      return known
  }
}

const dump = (
  options: StoreSourceOptions,
  keys: ReadonlySet<string> | undefined
): Stream.Stream<ReadonlyArray<StoreItem>, SourceError> =>
  Stream.fromEffect(read(options, "dump", () => {
    const { files, messages } = options.store
    const items: Array<StoreItem> = []
    for (const stored of messages.values()) {
      if (stored.unreadable === true || (keys !== undefined && !keys.has(stored.key))) continue
      const { content, ...light } = messageOf(stored)
      const large = largeOf(options, stored)
      const inline = large !== undefined || content === undefined ? {} : { content }
      items.push({
        _tag: "message",
        conversation: conversationOf(stored),
        message: { ...light, ...inline },
        ...(large === undefined ? {} : { large })
      })
    }
    if (keys !== undefined) return items
    for (const [path, { bytes, mtimeNs }] of files) items.push({ _tag: "file", path, mtimeNs, bytes })
    return items
  }))

const hints = (store: Store): Stream.Stream<void> =>
  Stream.unwrapScoped(Effect.gen(function*() {
    const signs = yield* Queue.sliding<void>(1)
    const listener = () => void signs.unsafeOffer(undefined)
    yield* Effect.acquireRelease(
      Effect.sync(() => store.listeners.add(listener)),
      () => Effect.sync(() => store.listeners.delete(listener))
    )
    // What happened before anybody listened.
    listener()
    return Stream.fromQueue(signs)
  }))

const gapsOf: SourceShape["gaps"] = (state) =>
  [...state].flatMap(([name, reason]) => name.startsWith("g:") ? [{ subject: name.slice(2), reason }] : [])

const knownOf = (state: SourceState, key: string): Known | undefined => knownIn(state.get(`m:${key}`))
const knownIn = (text: string | undefined): Known | undefined =>
  text === undefined ? undefined : JSON.parse(text) as Known

/** Of a version, however its content is kept; what changes by itself is left out. */
const digestOf = (message: Message): string => {
  const { flags: _, places: __, reactions: ___, ...rest } = message
  return createHash("sha256").update(coreLine("", "", { message: rest })).digest("hex").slice(0, 16)
}

const mutableOf = ({ flags, places }: Pick<Message, "flags" | "places">): string =>
  JSON.stringify([flags ?? [], (places ?? []).map(({ folder }) => folder)])

const reactionKey = ({ author, emoji }: { readonly author: string; readonly emoji: string }): string =>
  `${author} ${emoji}`
const reactionOf = (key: string) => {
  const [author = "", emoji = ""] = key.split(" ")
  return { author, emoji }
}
const reactionsOf = ({ reactions = [] }: Message): ReadonlyArray<string> => reactions.map(reactionKey).toSorted()

const fileDigest = (mtimeNs: number | bigint, bytes: Uint8Array): string =>
  `${mtimeNs} ${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}`
