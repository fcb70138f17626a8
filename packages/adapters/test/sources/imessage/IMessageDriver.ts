/** A database of Messages of its own, and what its owner does with Messages. */
import { openIMessage } from "@sealog/adapters/sources/IMessage"
import type { MacOs } from "@sealog/adapters/testing/IMessageSchema"
import { type IMessageStore, makeIMessageStore } from "@sealog/adapters/testing/IMessageStore"
import { type SourceCapability, StoreDriver } from "@sealog/core/testing/SourceContract"
import { Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { attempt, temporaryFolder } from "../MaildirDriver.ts"

export const imessageCapabilities: ReadonlySet<SourceCapability> = new Set(
  ["edit", "remove", "restore", "gap", "odd"] as const
)

const ODD = ["", "two\nlines", "\ud83c\udf31", "'; DROP TABLE message; --", "\ufffc", "x".repeat(60_000)]

/** An open store, closed at the end. */
export const freshStore = (path: string, macos: MacOs = "sequoia", seed = 1) =>
  Effect.acquireRelease(
    Effect.sync(() => makeIMessageStore({ path, seed, macos })),
    ({ database }) =>
      Effect.sync(() => {
        if (database.isOpen) database.close()
      })
  )

export const openStore = (path: string) => openIMessage({ name: "imessage", path })

export const imessageDriver = Layer.scoped(
  StoreDriver,
  Effect.gen(function*() {
    const top = yield* temporaryFolder
    const root = join(top, "Messages")
    yield* attempt(() => fs.mkdirSync(root))
    const path = join(root, "chat.db")
    const store = yield* freshStore(path)
    const ada = store.handle("+15550100")
    const chat = store.chat("iMessage;-;+15550100", [ada])
    const rows = new Map<number, number>()
    const on = (act: (row: number, store: IMessageStore) => void) => (number: number) =>
      attempt(() => act(rows.get(number)!, store))
    return {
      open: openStore(path),
      add: (number) => attempt(() => void rows.set(number, store.say(chat, { text: `text ${number}`, from: ada }))),
      edit: on((row) => store.edit(row, "other")),
      remove: on((row) => store.remove(row)),
      restore: on((row) => store.recover(row)),
      move: () => Effect.die("messages do not move"),
      flag: () => Effect.die("messages have no flags"),
      addUnreadable: attempt(() => {
        store.say(chat, { text: "lost", columns: { guid: new Uint8Array([0, 255]) } })
      }),
      makeReadable: attempt(() => store.database.exec("UPDATE message SET guid = 'found' WHERE typeof(guid) = 'blob'")),
      addOdd: attempt(() => {
        for (const text of ODD) store.say(chat, { text })
        store.say(undefined, { text: "in no chat" })
        store.say(chat, { columns: { attributedBody: new Uint8Array([4, 11, 1]), text: "with a body that is none" } })
        store.database.prepare("UPDATE message SET text = ? || char(0) || 'b' WHERE text = ?").run("a", "\ufffc")
        return ODD.length + 2
      }),
      addLarge: Effect.die("what an event cannot hold is told as a gap"),
      touchFile: Effect.die("there are no other files"),
      // Readers mark their place in the side file, and write nowhere else.
      fingerprint: attempt(() =>
        ["chat.db", "chat.db-wal"].map((name) => {
          const { mtimeNs, size } = fs.statSync(join(root, name), { bigint: true })
          const bytes = fs.readFileSync(join(root, name))
          return `${name} ${size} ${mtimeNs} ${createHash("sha256").update(bytes).digest("hex")}`
        }).join("\n") + fs.readdirSync(root).join()
      ),
      unplug: attempt(() => fs.renameSync(root, join(top, "elsewhere")))
    }
  })
)
