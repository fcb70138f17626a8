/** A store of WhatsApp of its own, the hands of the app on it, and what a source makes of it. */
import { openWhatsApp } from "@sealog/adapters/sources/whatsapp/WhatsApp"
import { type Erased, WhatsAppApp, type WhatsAppOptions } from "@sealog/adapters/testing/WhatsAppApp"
import type { SourceError } from "@sealog/core/backup/Source"
import type { Event } from "@sealog/core/message/Event"
import { type SourceCapability, StoreDriver } from "@sealog/core/testing/SourceContract"
import { makeRecorder, pass, type Recorder } from "@sealog/core/testing/SourceRecorder"
import { Effect, Layer } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { attempt, fingerprint, temporaryFolder } from "../MaildirDriver.ts"
import { ADA, people } from "./Acts.ts"

/** The app, closed at the end. */
export const appAt = (options: WhatsAppOptions) =>
  Effect.acquireRelease(
    Effect.sync(() => new WhatsAppApp(options)),
    (app) => Effect.sync(() => app.close())
  )

export const openAt = (path: string) => openWhatsApp({ name: "whatsapp", path })

/** A conversation with Ada and a group of three, and a source that has seen it. */
export const scene = Effect.gen(function*() {
  const top = yield* temporaryFolder
  const root = join(top, "container")
  const app = yield* appAt({ root, seed: 1 })
  const known = people(app)
  const recorder = makeRecorder(yield* openAt(root))
  yield* pass(recorder)
  return { top, root, app, ...known, recorder }
})

/** What a pass tells, in short. */
export const told = (events: ReadonlyArray<Event>): ReadonlyArray<string> =>
  events.map((event) => {
    switch (event.kind) {
      case "message.added":
      case "message.edited":
        return `${event.kind} ${event.message.text ?? event.message.type}`
      case "message.removed":
        return `${event.kind} ${event.scope}${event.by === undefined ? "" : ` by ${event.by}`}`
      case "reaction.added":
      case "reaction.removed":
        return `${event.kind} ${event.author} ${event.emoji}`
      case "attachment.content":
        return `${event.kind} ${event.content._tag}`
      case "attachment.missing":
        return `${event.kind} ${event.reason}`
      case "chat.upsert":
        return `${event.kind} ${event.title}`
      case "participant.upsert":
        return `${event.kind} ${event.participant} ${event.name}`
      default:
        return event.kind
    }
  })

/** A source opened anew, which looks at everything. */
export const reopened = (recorder: Recorder, root: string) =>
  Effect.map(openAt(root), (source): Recorder => ({ ...recorder, source }))

export const whatsappCapabilities: ReadonlySet<SourceCapability> = new Set(
  ["edit", "remove", "restore", "odd"] as const
)

const ODD = [
  "",
  " ",
  "\n\t",
  "a\0b",
  "half \ud83d",
  "🌱".repeat(3),
  "\u202egnirts",
  "%s '\"; DROP TABLE",
  "x".repeat(65_536)
]

export const whatsappDriver = Layer.scoped(
  StoreDriver,
  Effect.gen(function*() {
    const top = yield* temporaryFolder
    const root = join(top, "container")
    const app = yield* appAt({ root, seed: 1 })
    const chat = app.chat(ADA, "Ada Quill")
    const rows = new Map<number, number>()
    const erased = new Map<number, Erased>()
    const rowOf = (number: number): number => rows.get(number)!
    const act = (work: () => void): Effect.Effect<void, SourceError> => attempt(work)
    return {
      open: openAt(root),
      add: (number) => act(() => void rows.set(number, app.add({ chat, text: `text ${number}` }))),
      edit: (number) => act(() => app.edit(rowOf(number), "other")),
      remove: (number) => act(() => void erased.set(number, app.erase(rowOf(number)))),
      // The app has no way back; whoever puts its store back from a copy has.
      restore: (number) => act(() => app.putBack(erased.get(number)!)),
      move: () => Effect.die("messages do not move"),
      flag: () => Effect.die("a star is part of the message"),
      addUnreadable: Effect.die("a row is read or the store is not"),
      makeReadable: Effect.die("a row is read or the store is not"),
      addOdd: attempt(() => {
        for (const text of ODD) app.add({ chat, text })
        return ODD.length
      }),
      addLarge: Effect.die("a message has a longest length"),
      touchFile: Effect.die("there are no other files"),
      fingerprint: attempt(() => {
        const names = ["ChatStorage.sqlite", "ChatStorage.sqlite-wal"]
        return names.map((name) => fs.readFileSync(join(root, name)).toString("base64")).join() +
          fingerprint(join(root, "Message"))
      }),
      unplug: attempt(() => fs.renameSync(root, join(top, "elsewhere")))
    }
  })
)
