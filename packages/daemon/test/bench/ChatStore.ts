/** The store that chat rows work on: a database of Messages, made once, and copied for every run, since rows cannot be taken back. */
import { generateIMessage } from "@sealog/adapters/testing/IMessageGenerator"
import { openIMessageStore } from "@sealog/adapters/testing/IMessageStore"
import { makeTexts } from "@sealog/adapters/testing/Texts"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import type { KeptStore } from "./KeptStore.ts"

/** Counted up whenever the generator gives other messages, so that nobody measures on old ones. */
const GENERATION = 1
const DATABASE = "chat.db"
/** Of those that there are. */
const CHATS = 20

/** The database of that many messages and that seed. */
export const keptChats = Effect.fn("bench.keptChats")(function*(options: {
  readonly folder: string
  readonly chatMessages: number
  readonly seed: number
  readonly say: (line: string) => void
}) {
  const { chatMessages, folder, say, seed } = options
  const root = join(folder, "stores", `chat-${chatMessages}-${seed}-v${GENERATION}`)
  const [kept, path] = [join(root, "kept"), join(root, "Messages")]
  if (!fs.existsSync(kept)) {
    say(`making ${chatMessages.toLocaleString("en")} chat messages`)
    const draft = `${kept}.${process.pid}.tmp`
    fs.rmSync(draft, { recursive: true, force: true })
    fs.mkdirSync(draft, { recursive: true })
    const { database } = generateIMessage({ path: join(draft, DATABASE), messages: chatMessages, seed })
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    fs.renameSync(draft, kept)
  }
  const takeBack = (): void => {
    fs.rmSync(path, { recursive: true, force: true })
    fs.cpSync(kept, path, { recursive: true, preserveTimestamps: true })
  }
  takeBack()
  return {
    path,
    spec: `imessage:${join(path, DATABASE)}`,
    format: "jsonl",
    restored: "",
    deliver: ({ count, seed: number }) =>
      Effect.sync(() => {
        const store = openIMessageStore({ path: join(path, DATABASE), seed: number })
        const textOf = makeTexts()
        for (let n = 0; n < count; n++) store.say(1 + (n % CHATS), { text: textOf(store.random) })
        store.database.close()
      }),
    takeBack,
    flaw: (restored) => {
      const lines = linesOf(join(restored, "messages.jsonl"))
      const least = Math.floor(chatMessages * LEAST_MESSAGES)
      return lines >= least ? undefined : `${lines} messages, at least ${least} wanted`
    }
  } satisfies KeptStore
})

/** The other rows are reactions: how many becomes what is told by tests that compare each. */
const LEAST_MESSAGES = 0.9

const linesOf = (path: string): number => {
  let lines = 0
  for (const byte of fs.readFileSync(path)) if (byte === 0x0a) lines++
  return lines
}
