/**
 * Made-up histories of a few messages in the logs of two machines, and the plainest possible answer to what they come
 * to: everything sorted by time and read once, in the words of `docs/canonical.md`.
 */
import type { Event, EventOf, Message } from "@sealog/core/message/Event"
import type { Position } from "@sealog/core/message/Stamp"
import * as fc from "fast-check"

export interface Recorded {
  readonly event: Event
  readonly position: Position
}

const A = "aaaaaaaaaaaaaaaa"
const B = "bbbbbbbbbbbbbbbb"
/** The log in which the machine of A goes on. */
const C = "0ccccccccccccccc"

const key = fc.constantFrom("k1", "k2", "k3")
const flags = fc.option(fc.subarray(["read", "starred"]), { nil: undefined })
const who = fc.constantFrom("ann", "bob")
const emoji = fc.constantFrom("👍", "❤")
const attachment = fc.record({ id: fc.constantFrom("1", "2"), name: fc.constantFrom("a.jpg", "b.jpg") })

const message: fc.Arbitrary<Message> = fc.record({
  key,
  type: fc.constant("text"),
  text: fc.constantFrom("one", "two", "three"),
  flags: fc.subarray(["read", "starred"]),
  reactions: fc.array(fc.record({ author: who, emoji }), { maxLength: 2 }),
  attachments: fc.uniqueArray(attachment, { maxLength: 2, selector: ({ id }) => id }),
  places: fc.constant([{ folder: ".Sent", sub: "cur" as const, name: "n", mtimeNs: 5 }])
}, { requiredKeys: ["key", "type"] })

const fact = fc.oneof(
  { weight: 4, arbitrary: message.map((item) => ({ kind: "message.added", message: item })) },
  { weight: 2, arbitrary: message.map((item) => ({ kind: "message.edited", message: item })) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("message.removed"), key, scope: fc.constantFrom("me", "everyone") })
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("message.restored", "message.flags"), key, flags }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("reaction.added", "reaction.removed"), key, author: who, emoji })
  },
  fc.record({ kind: fc.constant("reaction.snapshot"), key, reactions: fc.nat(5) }),
  fc.record({
    kind: fc.constant("receipt.changed"),
    key,
    receipt: fc.constantFrom("read", "got"),
    by: who,
    when: fc.nat(9)
  }),
  fc.record({ kind: fc.constant("poll.vote"), key, author: who, vote: fc.nat(3) }),
  fc.record({ kind: fc.constant("attachment.seen"), key, attachment }),
  fc.record({
    kind: fc.constant("attachment.missing"),
    key,
    attachment: fc.constantFrom("1", "2"),
    reason: fc.constantFrom("x", "y")
  })
)

/** Logs of two machines, one of which goes on in a second log, in some order, some events twice. */
export const history: fc.Arbitrary<ReadonlyArray<Recorded>> = fc
  .array(fc.tuple(fc.constantFrom(A, B, C), fc.nat(1), fact), { maxLength: 24 })
  .map((steps) => {
    const time = { [A]: 0, [B]: 0, [C]: 0 } as Record<string, number>
    const size = { [A]: 0, [B]: 0, [C]: 1 } as Record<string, number>
    const continues: Recorded = {
      event: {
        kind: "log.continues",
        recordedAt: 0,
        source: "",
        conversation: "",
        writer: Uint8Array.from(Buffer.from(A, "hex")),
        size: 0,
        root: new Uint8Array(32)
      },
      position: { writer: C, index: 0 }
    }
    return [
      continues,
      ...steps.map(([writer, wait, said]): Recorded => {
        const recordedAt = time[writer] = time[writer]! + wait
        const index = size[writer]!
        size[writer] = index + 1
        const defined = Object.fromEntries(Object.entries(said).filter(([, item]) => item !== undefined))
        return {
          event: { recordedAt, source: "s", conversation: "c", ...defined } as unknown as Event,
          position: { writer, index }
        }
      })
    ]
  })
  .chain((events) =>
    fc.tuple(fc.shuffledSubarray([...events], { minLength: events.length }), fc.subarray([...events])).map((
      [all, again]
    ) => [
      ...all,
      ...again
    ])
  )

/** What one machine says that never adds a message it knows to be there. */
export const single: fc.Arbitrary<ReadonlyArray<Recorded>> = history.map((events) => {
  const here = new Set<string>()
  return inOrder(events).filter(({ event, position: { writer } }) => {
    if (writer !== A) return false
    if (event.kind === "message.restored") here.add(event.key)
    if (event.kind === "message.removed") here.delete(event.key)
    if (event.kind !== "message.added") return true
    if (here.has(event.message.key)) return false
    here.add(event.message.key)
    return true
  })
})

export const inOrder = (events: ReadonlyArray<Recorded>): ReadonlyArray<Recorded> => {
  const unique = new Map(events.map((item) => [`${item.position.writer} ${item.position.index}`, item]))
  return [...unique.values()].toSorted((left, right) =>
    left.event.recordedAt - right.event.recordedAt
    || (left.position.writer < right.position.writer ? -1 : left.position.writer > right.position.writer ? 1 : 0)
    || left.position.index - right.position.index
  )
}

/** What the history comes to, message by message, as plain text to compare. */
export const reference = (events: ReadonlyArray<Recorded>, withDeleted: boolean): ReadonlyArray<unknown> =>
  ["k1", "k2", "k3"].flatMap((wanted) => {
    const about = inOrder(events).filter(({ event }) =>
      "key" in event ? event.key === wanted : "message" in event && event.message.key === wanted
    )
    const state = referenceOf(about)
    return state === undefined || (state.removed !== undefined && !withDeleted) ? [] : [state]
  })

const referenceOf = (about: ReadonlyArray<Recorded>) => {
  const versions = about.filter(({ event }) => event.kind === "message.added" || event.kind === "message.edited")
  if (!versions.some(({ event }) => event.kind === "message.added")) return undefined
  const newest = versions.at(-1)!
  const version = (newest.event as EventOf<"message.added">).message
  const since = about.indexOf(newest)
  let mutable: { flags?: unknown; places?: unknown } = {}
  const holding = new Map<string, EventOf<"message.removed">>()
  const reactions = new Set((version.reactions ?? []).map(({ author, emoji: shown }) => `${author} ${shown}`))
  const attachments = new Map((version.attachments ?? []).map(({ id, name }) => [id, name]))
  const last: Record<string, unknown> = {}
  about.forEach(({ event, position: { writer } }, place) => {
    const machine = writer === C ? A : writer
    switch (event.kind) {
      case "message.added":
        mutable = event.message
        holding.delete(machine)
        break
      case "message.edited":
        mutable = event.message
        break
      case "message.restored":
        mutable = event
        holding.clear()
        break
      case "message.flags":
        mutable = event
        break
      case "message.removed":
        holding.delete(machine)
        holding.set(machine, event)
        break
      case "reaction.added":
      case "reaction.removed":
        if (version.reactions !== undefined && place < since) break
        reactions[event.kind === "reaction.added" ? "add" : "delete"](`${event.author} ${event.emoji}`)
        break
      case "attachment.seen":
        if (version.attachments !== undefined && place < since) break
        attachments.set(event.attachment.id, event.attachment.name)
        break
      case "reaction.snapshot":
        last["counts"] = event.reactions
        break
      case "receipt.changed":
        last[`receipt ${event.receipt} ${event.by}`] = event.when
        break
      case "poll.vote":
        last[`vote ${event.author}`] = event.vote
        break
      case "attachment.missing":
        last[`missing ${event.attachment}`] = event.reason
        break
    }
  })
  const removed = [...holding.values()].at(-1)
  return {
    key: version.key,
    text: version.text,
    flags: mutable.flags,
    places: mutable.places,
    reactions: [...reactions].toSorted(),
    attachments: [...attachments].toSorted(([left], [right]) => left < right ? -1 : 1),
    last,
    removed: removed === undefined ? undefined : { scope: removed.scope, recordedAt: removed.recordedAt }
  }
}
