/**
 * Prints what the way back costs a message: resolving its changes, its line and its sort key; and what the changes
 * take in memory. From the packages as built: `node .ci/ts.mjs packages/core/test/bench/fold.ts`.
 */
import { canonicalOf, compareKey, line } from "@sealog/core/message/Canonical"
import * as Changes from "@sealog/core/message/Changes"
import type { EventOf } from "@sealog/core/message/Event"

const COUNT = 200_000
const MEBIBYTE = 1024 * 1024

const added = (index: number): EventOf<"message.added"> => ({
  kind: "message.added",
  recordedAt: index,
  source: "imessage",
  conversation: `chat-${index % 300}`,
  message: {
    key: `3EB0${String(index).padStart(16, "0")}`,
    at: 1_600_000_000_000 + index * 61_000,
    author: `+4917${10_000_000 + (index % 500)}`,
    direction: "in",
    type: "text",
    text: `See you at ${index % 24} o'clock, bring the ${index} keys`
  }
})

const events = Array.from({ length: COUNT }, (_, index) => added(index))
const position = (index: number) => ({ writer: "a0a1a2a3a4a5a6a7", index })

const timed = (name: string, body: () => number): void => {
  const begin = process.hrtime.bigint()
  const check = body()
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9
  console.log(
    `${name.padEnd(34)} ${Math.round(COUNT / seconds).toLocaleString("en").padStart(12)} a second  (${check})`
  )
}

const heap = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const changes = Changes.make()
const before = heap()
timed("collect a change of flags", () => {
  events.forEach(({ message: { key } }, index) =>
    changes.add(
      { kind: "message.flags", recordedAt: COUNT + index, source: "imessage", conversation: "c", key, flags: ["read"] },
      position(COUNT + index)
    )
  )
  return COUNT
})
console.log(`heap for ${COUNT} changed messages: ${Math.round((heap() - before) / MEBIBYTE)} MiB`)
timed(
  "resolve a changed message",
  () =>
    events.reduce((sum, event, index) => sum + (changes.resolve(event, position(index))?.message.flags?.length ?? 0), 0)
)
const untouched = Changes.make()
timed(
  "resolve an unchanged message",
  () => events.reduce((sum, event, index) => sum + (untouched.resolve(event, position(index)) === undefined ? 0 : 1), 0)
)
timed("canonical line and sort key", () =>
  events.reduce((sum, { conversation, message, source }) => {
    const canonical = canonicalOf(source, conversation, { message })
    return sum + line(canonical).length + compareKey(canonical).length
  }, 0))
