/**
 * What a JSON Lines source remembers of each message, and what a line does to it: one fold, by which the events of a
 * pass, the table they leave behind and a dump all come to the same.
 *
 * | key | value |
 * |---|---|
 * | `m:` id | `Known` |
 * | `g:` file and line that could not be read | why |
 * | `l:` file | how far it was read (no event tells that) |
 */
import type { SourceTable } from "@sealog/core/backup/Source"
import type { Event, Fact, Message, RemovalScope } from "@sealog/core/message/Event"
import { contentDigest, digest, type Line } from "./JsonlLine.ts"

type Reaction = readonly [author: string, emoji: string]
type Receipt = readonly [receipt: string, by: string | null, when: number | null]

/** One message as its lines left it, without its text. */
export interface Known {
  readonly origin?: number
  readonly conversation: string
  readonly content: string
  /** Of the line as it was, where that is kept. */
  readonly raw?: string
  readonly removed?: typeof RemovalScope.Type
  readonly flags?: ReadonlyArray<string>
  /** Absent until there has been one, or a list of none. */
  readonly reactions?: ReadonlyArray<Reaction>
  readonly receipts: ReadonlyArray<Receipt>
}

export const readKnown = (get: (key: string) => string | undefined, id: string): Known | undefined => {
  const text = get(`m:${id}`)
  return text === undefined ? undefined : JSON.parse(text) as Known
}

export const remember = (event: Event, index: number, table: SourceTable): void => {
  if (event.kind === "source.gap") {
    if (event.closed === true) table.delete(`g:${event.subject}`)
    else table.set(`g:${event.subject}`, event.reason)
    return
  }
  const id = idOf(event)
  if (id === undefined) return
  const known = after(readKnown(table.get, id), event, index)
  if (known !== undefined) table.set(`m:${id}`, JSON.stringify(known))
}

const idOf = (fact: Fact): string | undefined =>
  "message" in fact ? fact.message.key : "key" in fact ? fact.key : undefined

/** What is known of a message once a fact about it holds. */
export const after = (known: Known | undefined, fact: Fact, index?: number): Known | undefined => {
  if (fact.kind === "message.added" || fact.kind === "message.edited") return version(known, fact, index)
  if (known === undefined) return undefined
  const { flags: _f, removed: _r, ...rest } = known
  switch (fact.kind) {
    case "message.removed":
      return { ...known, removed: fact.scope }
    case "message.restored":
      return { ...rest, ...(fact.flags === undefined ? {} : { flags: fact.flags }) }
    case "message.flags":
      return {
        ...rest,
        ...(known.removed === undefined ? {} : { removed: known.removed }),
        ...(fact.flags === undefined ? {} : { flags: fact.flags })
      }
    case "reaction.added":
      return { ...known, reactions: [...without(known.reactions, fact), [fact.author, fact.emoji]] }
    case "reaction.removed":
      return { ...known, reactions: without(known.reactions, fact) }
    case "receipt.changed": {
      const { by = null, receipt, when = null } = fact
      const others = known.receipts.filter(([name, whose]) => name !== receipt || whose !== by)
      return { ...known, receipts: [...others, [receipt, by, when]] }
    }
    default:
      return known
  }
}

/** A version lists its flags; reactions too, where there ever were any. */
const version = (
  known: Known | undefined,
  { conversation, kind, message }: Extract<Fact, { readonly kind: "message.added" | "message.edited" }>,
  index: number | undefined
): Known => {
  const origin = kind === "message.added" ? index : known?.origin
  const reactions = message.reactions?.map(({ author, emoji }) => [author, emoji] as const) ?? known?.reactions
  return {
    ...(origin === undefined ? {} : { origin }),
    conversation,
    content: contentDigest(conversation, message),
    ...(message.raw === undefined ? {} : { raw: digest(message.raw.bytes) }),
    ...(kind === "message.edited" && known?.removed !== undefined ? { removed: known.removed } : {}),
    ...(message.flags === undefined ? {} : { flags: message.flags }),
    ...(reactions === undefined ? {} : { reactions }),
    receipts: known?.receipts ?? []
  }
}

/** What a line says that is not so already. */
export const factsOf = (known: Known | undefined, line: Line, origin: number | undefined): ReadonlyArray<Fact> => {
  if (line.op === "put") return put(known, line.conversation, line.message, origin)
  // What is said of a message whose own line is gone is said of no message.
  if (known === undefined || known.removed === "vanished") return []
  const about = { conversation: known.conversation, key: line.id, ...(origin === undefined ? {} : { origin }) }
  switch (line.op) {
    case "remove": {
      const { by, scope, when } = line
      const said = { ...(by === undefined ? {} : { by }), ...(when === undefined ? {} : { when }) }
      return known.removed !== undefined ? [] : [{ kind: "message.removed", ...about, scope, ...said }]
    }
    case "restore":
      return known.removed === undefined ? [] : [{ kind: "message.restored", ...about, ...flagsOf(known.flags) }]
    case "flags":
      return same(known.flags, line.flags) ? [] : [{ kind: "message.flags", ...about, flags: line.flags }]
    case "react":
    case "unreact": {
      const { author, emoji, when } = line
      const isThere = without(known.reactions, line).length < (known.reactions ?? []).length
      if (isThere === (line.op === "react")) return []
      const kind = line.op === "react" ? "reaction.added" : "reaction.removed"
      return [{ kind, ...about, author, emoji, ...(when === undefined ? {} : { when }) }]
    }
    case "receipt":
      return receipts(known.receipts, [[line.receipt, line.by ?? null, line.when ?? null]], about)
  }
}

const put = (
  known: Known | undefined,
  conversation: string,
  message: Message,
  origin: number | undefined
): ReadonlyArray<Fact> => {
  if (known === undefined) return [{ kind: "message.added", conversation, message }]
  const about = { conversation, key: message.key, ...(origin === undefined ? {} : { origin }) }
  if (known.removed === "vanished") return putBack(known, about, message)
  // A line that lists no reactions leaves them as they are; the event says which these are.
  const whole = message.reactions === undefined && known.reactions !== undefined
    ? { ...message, reactions: known.reactions.map(toReaction) }
    : message
  const edited: Fact = {
    kind: "message.edited",
    conversation,
    message: whole,
    ...(origin === undefined ? {} : { origin })
  }
  const isNew = contentDigest(conversation, message) !== known.content
    || (message.reactions !== undefined && !sameReactions(message, known.reactions))
  if (known.removed !== undefined) {
    const back: Fact = { kind: "message.restored", ...about, ...flagsOf(message.flags ?? known.flags) }
    return isNew ? [back, edited] : [back]
  }
  if (isNew) return [edited]
  if (message.flags === undefined || same(message.flags, known.flags)) return []
  return [{ kind: "message.flags", ...about, flags: message.flags }]
}

/** A message whose line was gone is as its new line says, whatever was said of it before. */
const putBack = (
  known: Known,
  about: { readonly conversation: string; readonly key: string; readonly origin?: number },
  message: Message
): ReadonlyArray<Fact> => {
  const { key, ...where } = about
  const reactions = message.reactions ?? (known.reactions === undefined ? undefined : [])
  const isSame = contentDigest(about.conversation, message) === known.content
    && (message.raw === undefined ? undefined : digest(message.raw.bytes)) === known.raw
    && sameReactions({ reactions: reactions ?? [] }, known.reactions)
  const back: Fact = { kind: "message.restored", ...where, key, ...flagsOf(message.flags) }
  const whole = { ...message, ...(reactions === undefined ? {} : { reactions }) }
  return isSame ? [back] : [back, { kind: "message.edited", ...where, message: whole }]
}

/** The way from what is remembered to what all lines together come to, with the message as it then is. */
export const factsTo = (known: Known | undefined, final: Known, message: Message): ReadonlyArray<Fact> => {
  const { conversation, removed } = final
  const origin = known?.origin === undefined ? {} : { origin: known.origin }
  const about = { conversation, key: message.key, ...origin }
  const told = receipts(known?.receipts ?? [], final.receipts, about)
  if (known === undefined) {
    return removed !== undefined ? [] : [{ kind: "message.added", conversation, message }, ...told]
  }
  if (removed !== undefined) {
    return known.removed === undefined
      ? [{ kind: "message.removed", ...about, scope: removed }]
      : []
  }
  const facts: Array<Fact> = []
  if (known.removed !== undefined) facts.push({ kind: "message.restored", ...about, ...flagsOf(final.flags) })
  const reactions = (final.reactions ?? []).map(toReaction)
  const isNew = final.content !== known.content || final.raw !== known.raw
    || !sameReactions({ reactions }, known.reactions)
  if (isNew) {
    facts.push({ kind: "message.edited", conversation, message: { ...message, reactions }, ...origin })
  } else if (known.removed === undefined && !same(known.flags, final.flags)) {
    facts.push({ kind: "message.flags", ...about, ...flagsOf(final.flags) })
  }
  return [...facts, ...told]
}

/** The message of a version with the flags and reactions that it came to have. */
export const finished = (message: Message, { flags, reactions }: Known): Message => {
  const { flags: _f, reactions: _r, ...rest } = message
  return {
    ...rest,
    ...flagsOf(flags),
    ...(reactions === undefined ? {} : { reactions: reactions.map(toReaction) })
  }
}

const toReaction = ([author, emoji]: Reaction) => ({ author, emoji })

const flagsOf = (flags: ReadonlyArray<string> | undefined) => flags === undefined ? {} : { flags }

const receipts = (
  known: ReadonlyArray<Receipt>,
  wanted: ReadonlyArray<Receipt>,
  about: { readonly conversation: string; readonly key: string; readonly origin?: number }
): ReadonlyArray<Fact> =>
  wanted
    .filter((receipt) => !known.some((one) => JSON.stringify(one) === JSON.stringify(receipt)))
    .map(([receipt, by, when]): Fact => ({
      kind: "receipt.changed",
      ...about,
      receipt,
      ...(by === null ? {} : { by }),
      ...(when === null ? {} : { when })
    }))

const without = (all: ReadonlyArray<Reaction> | undefined, one: { readonly author: string; readonly emoji: string }) =>
  (all ?? []).filter(([author, emoji]) => author !== one.author || emoji !== one.emoji)

const same = (a: ReadonlyArray<string> | undefined, b: ReadonlyArray<string> | undefined): boolean =>
  JSON.stringify(a) === JSON.stringify(b)

const sameReactions = (message: Pick<Message, "reactions">, known: ReadonlyArray<Reaction> = []): boolean => {
  const told = new Set(message.reactions?.map(({ author, emoji }) => JSON.stringify([author, emoji])))
  return told.size === known.length && known.every((one) => told.has(JSON.stringify(one)))
}
