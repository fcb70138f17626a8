import { assert, describe, it } from "@effect/vitest"
import * as Archive from "@sealog/core/message/Archive"
import * as Changes from "@sealog/core/message/Changes"
import type { Event } from "@sealog/core/message/Event"
import type { MessageState } from "@sealog/core/message/MessageState"
import * as fc from "fast-check"
import { history, inOrder, type Recorded, reference, single } from "./Histories.ts"

/** A state in the words of the reference. */
const told = ({ message, missing, reactionCounts, reactions, receipts, removed, votes }: MessageState): unknown => ({
  key: message.key,
  text: message.text,
  flags: message.flags,
  places: message.places,
  reactions: reactions.map(({ author, emoji }) => `${author} ${emoji}`).toSorted(),
  attachments: (message.attachments ?? []).map(({ id, name }) => [id, name]).toSorted(([left], [right]) =>
    left! < right! ? -1 : 1
  ),
  last: {
    ...(reactionCounts === undefined ? {} : { counts: reactionCounts }),
    ...Object.fromEntries(receipts.map(({ by, receipt, when }) => [`receipt ${receipt} ${by}`, when])),
    ...Object.fromEntries(votes.map(({ author, vote }) => [`vote ${author}`, vote])),
    ...Object.fromEntries(missing.map(({ attachment, reason }) => [`missing ${attachment}`, reason]))
  },
  removed: removed === undefined ? undefined : { scope: removed.scope, recordedAt: removed.recordedAt }
})

const byKey = (left: MessageState, right: MessageState): number => left.message.key < right.message.key ? -1 : 1

const whole = (events: ReadonlyArray<Recorded>, withDeleted: boolean): ReadonlyArray<MessageState> => {
  const archive = events.reduce(
    (folded, { event, position }) => Archive.apply(folded, event, position),
    Archive.empty()
  )
  return [...Archive.messages(archive, { withDeleted })].toSorted(byKey)
}

const streamed = (
  events: ReadonlyArray<Recorded>,
  options: { readonly marks: boolean; readonly withDeleted: boolean }
) => {
  const changes = Changes.make()
  for (const { event, position } of events) {
    changes.add(event, position)
    if (options.marks && event.kind === "message.added") changes.mark(event, position)
  }
  const once = new Map(events.map((item) => [`${item.position.writer} ${item.position.index}`, item]))
  return [...once.values()].flatMap(({ event, position }) => {
    const state = event.kind === "message.added" ? changes.resolve(event, position, options) : undefined
    return state === undefined ? [] : [state]
  }).toSorted(byKey)
}

const at = (recordedAt: number, writer: string, index: number, fact: object): Recorded => ({
  event: { recordedAt, source: "s", conversation: "c", ...fact } as Event,
  position: { writer, index }
})

const message = { key: "k", type: "text", text: "one" }

describe("Archive", () => {
  /** Verifies: CAN-1 */
  it("comes to what reading everything in order comes to, in whatever order it is read", () =>
    fc.assert(
      fc.property(history, fc.boolean(), (events, withDeleted) => {
        assert.deepStrictEqual(whole(events, withDeleted).map(told), reference(events, withDeleted))
      }),
      { numRuns: 1000 }
    ))

  /** Verifies: CAN-2 */
  it("streams what the whole fold comes to", () =>
    fc.assert(
      fc.property(history, fc.boolean(), (events, withDeleted) => {
        assert.deepEqual(streamed(events, { marks: true, withDeleted }), whole(events, withDeleted))
      }),
      { numRuns: 1000 }
    ))

  it("streams one machine's log without marks", () =>
    fc.assert(
      fc.property(single, (events) => {
        assert.deepEqual(streamed(events, { marks: false, withDeleted: false }), whole(events, false))
      }),
      { numRuns: 500 }
    ))

  /** Verifies: CAN-3 */
  it("keeps a message deleted that a machine which is behind adds again", () => {
    const events = [
      at(1, "aa", 0, { kind: "message.added", message }),
      at(2, "aa", 1, { kind: "message.removed", key: "k", scope: "everyone" }),
      at(3, "bb", 0, { kind: "message.added", message })
    ]
    assert.deepStrictEqual(whole(events, false), [])
    assert.strictEqual(whole(events, true)[0]!.removed?.scope, "everyone")
    const restored = at(4, "bb", 1, { kind: "message.restored", key: "k", flags: ["read"] })
    assert.deepStrictEqual(whole([...events, restored], false).map((state) => state.message.flags), [["read"]])
  })

  it("takes a message back that its own machine adds again", () => {
    const events = [
      at(1, "aa", 0, { kind: "message.added", message }),
      at(2, "aa", 1, { kind: "message.removed", key: "k", scope: "vanished" }),
      at(3, "aa", 2, { kind: "message.added", message: { ...message, text: "two" } })
    ]
    assert.deepStrictEqual(whole(events, false).map((state) => state.message.text), ["two"])
  })

  it("leaves out a message that was changed but never added", () =>
    assert.deepStrictEqual(whole([at(1, "aa", 0, { kind: "message.edited", message })], true), []))

  it("keeps two sources' messages of one key apart", () => {
    const twice = ["one", "two"].map((source, index) => {
      const { event, position } = at(1, "aa", index, { kind: "message.added", message })
      return { event: { ...event, source } as Event, position }
    })
    assert.deepStrictEqual(whole(twice, false).map(({ source }) => source).toSorted(), ["one", "two"])
  })

  /** Verifies: CAN-4 */
  it("knows the folders and files that exist at the end, in whatever order it reads", () =>
    fc.assert(
      fc.property(directoryHistory, (events) => {
        const archive = Archive.empty()
        for (const { event, position } of events) Archive.apply(archive, event, position)
        const last = new Map<string, Event>()
        for (const { event } of inOrder(events)) {
          if ("path" in event) last.set(`file ${event.path}`, event)
          else if ("folder" in event) last.set(`folder ${event.folder}`, event)
        }
        const there = [...last].filter(([, { kind }]) => kind.endsWith("upsert")).map(([name, { recordedAt }]) =>
          `${name} ${recordedAt}`
        )
        assert.deepStrictEqual(
          [
            ...archive.directory.files().map(({ mtimeNs, path }) => `file ${path} ${mtimeNs}`),
            ...archive.directory.chats().map(({ folder, title }) => `folder ${folder} ${title}`)
          ].toSorted(),
          there.toSorted()
        )
        assert.deepStrictEqual(
          acceptedFiles(events),
          archive.directory.files().map(({ mtimeNs, path }) => `${path} ${mtimeNs}`)
        )
      }),
      { numRuns: 300 }
    ))

  it("tells accounts, participants, members, gaps that stayed open, and contents of attachments", () => {
    const archive = Archive.empty()
    const facts: ReadonlyArray<object> = [
      { kind: "account.seen", account: "me", name: "Old" },
      { kind: "account.seen", account: "me", name: "New" },
      { kind: "participant.upsert", participant: "p", addresses: ["+1"] },
      { kind: "chat.upsert", title: "T" },
      { kind: "chat.members", members: ["me", "p"] },
      { kind: "source.gap", subject: "x", reason: "torn" },
      { kind: "source.gap", subject: "y", reason: "torn" },
      { kind: "source.gap", subject: "y", reason: "torn", closed: true },
      { kind: "attachment.content", key: "k", attachment: "1", content: { _tag: "inline", bytes: Uint8Array.of(1) } }
    ]
    facts.forEach((fact, index) => {
      const { event, position } = at(index, "aa", index, fact)
      Archive.apply(archive, event, position)
    })
    const { directory } = archive
    assert.deepStrictEqual(directory.accounts().map(({ name }) => name), ["New"])
    assert.deepStrictEqual(directory.participants().map(({ addresses }) => addresses), [["+1"]])
    assert.deepStrictEqual(directory.chats(), [{ source: "s", conversation: "c", title: "T", members: ["me", "p"] }])
    assert.deepStrictEqual(directory.gaps().map(({ subject }) => subject), ["x"])
    assert.deepStrictEqual(Archive.contentOf(archive, "s", "k", "1"), { _tag: "inline", bytes: Uint8Array.of(1) })
    assert.strictEqual(Archive.message(archive, "s", "k"), undefined)
  })
})

const path = fc.constantFrom("dovecot-uidlist", "subscriptions")
const folder = fc.constantFrom("", ".Sent", "\xff")

const directoryHistory: fc.Arbitrary<ReadonlyArray<Recorded>> = fc
  .array(fc.tuple(fc.constantFrom("aa", "bb"), fc.boolean(), fc.boolean(), path, folder), { maxLength: 16 })
  .map((steps) =>
    steps.map(([writer, isFile, isThere, name, where], index) => {
      const recordedAt = index >> 1
      const file = isThere
        ? {
          kind: "file.upsert",
          path: name,
          mtimeNs: recordedAt,
          content: { _tag: "inline", bytes: new Uint8Array(0) }
        }
        : { kind: "file.removed", path: name }
      const chat = isThere
        ? { kind: "chat.upsert", folder: where, title: String(recordedAt) }
        : { kind: "chat.removed", folder: where }
      return at(recordedAt, writer, index, isFile ? file : chat)
    })
  )
  .chain((events) => fc.shuffledSubarray(events, { minLength: events.length }))

/** What is left of files written as they pass by, once all removals are known. */
const acceptedFiles = (events: ReadonlyArray<Recorded>): ReadonlyArray<string> => {
  const changes = Changes.make()
  for (const { event, position } of events) changes.add(event, position)
  const written = new Map<string, string>()
  for (const { event, position } of events) {
    if (event.kind !== "file.upsert") continue
    if (changes.directory.acceptFile(event, { ...position, recordedAt: event.recordedAt })) {
      written.set(event.path, `${event.path} ${event.mtimeNs}`)
    }
  }
  return [...written.values()].toSorted()
}
