/** What a restore from one place gives, and what a store holds, in the same lines: the law of every backup is that they are the same. */
import type { SourceShape } from "@sealog/core/backup/Source"
import type { StorageShape } from "@sealog/core/backup/Storage"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { conversationsOf, coreLine } from "@sealog/core/message/Canonical"
import type { Message } from "@sealog/core/message/Event"
import { makeFetch } from "@sealog/core/restore/Fetch"
import type { Finding, KnownHead } from "@sealog/core/restore/Open"
import type { Projection, RestoredFile, RestoredMessage } from "@sealog/core/restore/Projection"
import { restore } from "@sealog/core/restore/Restore"
import { verify } from "@sealog/core/restore/Verify"
import { Effect, Stream } from "effect"
import { Buffer } from "node:buffer"

/** Restores all of a vault at one place, and proves it on the way. */
export const restored = Effect.fn("Simulation.restored")(function*(storage: StorageShape, ring: KeyRingShape) {
  const fetch = yield* makeFetch([{ name: "target", storage }], ring)
  const lines: Array<string> = []
  const { findings } = yield* restore({
    fetch,
    projection: collecting(lines),
    since: new Map(),
    pinned: new Map(),
    partial: false
  })
  return { findings, lines: lines.toSorted() }
})

/** What a check of every byte at a place finds. */
export const verified = Effect.fn("Simulation.verified")(function*(
  storage: StorageShape,
  ring: KeyRingShape,
  pinned: ReadonlyMap<string, ReadonlyArray<KnownHead>>
): Effect.fn.Return<ReadonlyArray<Finding>, unknown> {
  const fetch = yield* makeFetch([{ name: "target", storage }], ring)
  const logs = yield* verify(fetch, "data", pinned)
  return logs.flatMap(({ findings }) => findings)
})

const collecting = (lines: Array<string>): Projection => ({
  folders: () => Effect.void,
  files: (files) => Effect.as(Effect.forEach(files, (file) => collectFile(lines, file)), []),
  messages: (messages) => Effect.as(Effect.forEach(messages, (message) => collectMessage(lines, message)), []),
  finish: Effect.sync(() => ({ messages: lines.length, written: lines.length, removed: 0 }))
})

const collectMessage = Effect.fn("Simulation.collectMessage")(function*(
  lines: Array<string>,
  { after, content, source }: RestoredMessage
) {
  if (after === undefined || after.removed !== undefined) return
  const bytes = content === undefined ? undefined : joined(yield* Stream.runCollect(content.bytes))
  lines.push(...messageLines(source, after.conversation, after.message, bytes))
})

const collectFile = Effect.fn("Simulation.collectFile")(
  function*(lines: Array<string>, { after, path, source }: RestoredFile) {
    if (after === undefined) return
    const bytes = joined(yield* Stream.runCollect(after.content.bytes))
    lines.push(fileLine(source, path, after.mtimeNs, bytes))
  }
)

/** The same lines, from the store itself. */
export const linesInStore = Effect.fn("Simulation.linesInStore")(function*(source: SourceShape) {
  const lines: Array<string> = []
  yield* source.dump().pipe(Stream.runForEach((items) =>
    Effect.forEach(items, (item) =>
      Effect.gen(function*() {
        if (item._tag === "file") lines.push(fileLine(source.name, item.path, item.mtimeNs, item.bytes))
        if (item._tag !== "message") return
        const { conversation, large } = item
        const bytes = large === undefined
          ? item.message.content?._tag === "inline" ? item.message.content.bytes : undefined
          : joined(yield* Stream.runCollect(large.bytes))
        lines.push(...messageLines(source.name, conversation, item.message, bytes))
      }), { discard: true })
  ))
  return lines.toSorted()
})

/** The canonical lines of a message and, since they only have a digest of it, its content itself. */
const messageLines = (
  source: string,
  conversation: string,
  message: Message,
  bytes: Uint8Array | undefined
): ReadonlyArray<string> => {
  const { content: _, ...rest } = message
  const whole: Message = bytes === undefined ? rest : { ...rest, content: { _tag: "inline", bytes } }
  return conversationsOf(conversation, message).map((each) =>
    `${coreLine(source, each, { message: whole })} ${bytes === undefined ? "" : Buffer.from(bytes).toString("base64")}`
  )
}

const fileLine = (source: string, path: string, mtimeNs: number | bigint, bytes: Uint8Array): string =>
  JSON.stringify({ source, path, mtimeNs: String(mtimeNs), bytes: Buffer.from(bytes).toString("base64") })

const joined = (chunks: Iterable<Uint8Array>): Uint8Array => Buffer.concat([...chunks])
