/**
 * Made the files in `docs/vectors/canonical` once; they are frozen since, and this stays to show how. Each is JSON
 * Lines: events with their place in a log, and the canonical lines they come to. It writes only files that are not
 * there.
 */
import type { Event } from "@sealog/core/message/Event"
import { EventJson } from "@sealog/core/message/EventJson"
import { Schema } from "effect"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import type { Recorded } from "../message/Histories.ts"
import { linesOf } from "../message/Lines.ts"

const folder = process.argv[2] ?? "docs/vectors/canonical"

const write = (name: string, text: ReadonlyArray<string>): void => {
  const path = `${folder}/${name}.jsonl`
  if (!existsSync(path)) writeFileSync(path, text.map((line) => `${line}\n`).join(""))
}

const vector = (name: string, events: ReadonlyArray<Recorded>): void => {
  write(
    `${name}.events`,
    events.map(({ event, position }) => JSON.stringify({ ...position, event: Schema.encodeSync(EventJson)(event) }))
  )
  write(`${name}.lines`, linesOf(events))
  write(`${name}.with-deleted`, linesOf(events, { withDeleted: true }))
}

const A = "a0a1a2a3a4a5a6a7"
const B = "b0b1b2b3b4b5b6b7"

const log = (
  writer: string,
  source: string,
  conversation: string,
  facts: ReadonlyArray<object>
): ReadonlyArray<Recorded> =>
  facts.map((fact, index) => ({
    event: { recordedAt: 1_700_000_000_000 + index * 1000, source, conversation, ...fact } as Event,
    position: { writer, index }
  }))

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

mkdirSync(folder, { recursive: true })

vector(
  "chat",
  log(A, "imessage", "ann", [
    {
      kind: "message.added",
      message: {
        key: "m1",
        at: 1_699_999_999_000,
        atQuality: "exact",
        author: "ann",
        direction: "in",
        type: "text",
        text: "see you at \"8\"\n🔑",
        flags: ["starred", "read"],
        reactions: [{ author: "me", emoji: "👍" }],
        attachments: [{ id: "a", name: "map.png", mime: "image/png", size: 2048 }],
        extra: { rowid: 9_007_199_254_740_993n, blob: Uint8Array.of(1, 2), $int: "no", "é": [null, true, 1.5] }
      }
    },
    { kind: "message.added", message: { key: "m0", type: "unknown", sourceType: "77" } },
    {
      kind: "message.added",
      message: { key: "m2", at: -1, type: "text", text: "old", raw: { format: "row", bytes: utf8("row") } }
    },
    { kind: "message.edited", message: { key: "m2", at: -1, type: "text", text: "older", history: [{ text: "old" }] } },
    { kind: "reaction.added", key: "m1", author: "bob", emoji: "❤", when: 1 },
    { kind: "reaction.removed", key: "m1", author: "me", emoji: "👍" },
    { kind: "message.flags", key: "m1", flags: [] },
    { kind: "message.added", message: { key: "m3", at: 253_402_300_800_000, type: "text", text: "after 9999" } },
    { kind: "message.added", message: { key: "m4", at: 1_000, type: "text", text: "gone" } },
    { kind: "message.removed", key: "m4", scope: "everyone", by: "ann", when: 2_000 },
    { kind: "message.added", conversation: "anna", message: { key: "m5", at: 0, type: "text", text: "another" } }
  ])
)

vector(
  "mail",
  log(A, "maildir", "", [
    {
      kind: "message.added",
      message: {
        key: "1700000000.M1P1.host#2jmj7l5rSw0yVb_vlWAYkK_YBwk",
        at: 1_700_000_000_000,
        atQuality: "second",
        type: "mail",
        author: "Ann <ann@example.org>",
        flags: [],
        places: [{ folder: "", sub: "new", name: "1700000000.M1P1.host", mtimeNs: 1_700_000_000_123_456_789n }],
        content: { _tag: "inline", bytes: utf8("Subject: hello\r\n\r\nbody\r\n") },
        extra: { messageId: "<1@example.org>" }
      }
    },
    {
      kind: "message.flags",
      key: "1700000000.M1P1.host#2jmj7l5rSw0yVb_vlWAYkK_YBwk",
      flags: ["flagged", "seen"],
      places: [".Sent", "", ".b\xc3\xbccher", ".\xff", "plain"].map((name) => ({
        folder: name,
        sub: "cur",
        name: "1700000000.M1P1.host:2,FS",
        mtimeNs: 1_700_000_000_123_456_789n
      }))
    }
  ])
)

vector("two-writers", [
  ...log(A, "s", "c", [
    { kind: "message.added", message: { key: "k1", type: "text", text: "one" } },
    { kind: "message.removed", key: "k1", scope: "me" },
    { kind: "message.added", message: { key: "k2", type: "text", text: "two" } },
    { kind: "message.removed", key: "k2", scope: "vanished" },
    { kind: "message.added", message: { key: "k2", type: "text", text: "two, back" } }
  ]),
  ...log(B, "s", "c", [
    { kind: "source.checkpoint", counts: {} },
    { kind: "message.added", message: { key: "k3", type: "text", text: "three" } },
    { kind: "message.added", message: { key: "k1", type: "text", text: "one, from behind" } },
    { kind: "message.edited", message: { key: "k3", type: "text", text: "three, edited" } }
  ])
])
