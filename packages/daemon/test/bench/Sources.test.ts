/** The store without cost, and the profile's stages. */
import { assert, describe, it } from "@effect/vitest"
import { noPast } from "@sealog/core/backup/Source"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { freshFolder } from "./Folder.ts"
import { sharesOf } from "./Profile.ts"
import { makeSynthetic } from "./Synthetic.ts"

const COUNT = 20_000

const messagesOf = (seed: number, count = COUNT, state: ReadonlyMap<string, string> = new Map()) =>
  makeSynthetic({ seed, count: () => count }).changes(state, noPast).pipe(
    Stream.runCollect,
    Effect.map((batches) =>
      [...batches].flatMap(({ drafts }) => drafts.flatMap(({ fact }) => fact.kind === "message.added" ? [fact] : []))
    )
  )

describe("synthetic store", () => {
  it.effect("is the same for the same seed, and another for another", () =>
    Effect.gen(function*() {
      const [one, again, other] = yield* Effect.all([messagesOf(1, 999), messagesOf(1, 999), messagesOf(2, 999)])
      assert.strictEqual(one.length, 999)
      assert.deepStrictEqual(one, again)
      assert.notDeepEqual(one.slice(0, 9), other.slice(0, 9))
    }), 60_000)

  it.effect(
    "has a few large conversations, many small ones, and short texts more often than long ones",
    () =>
      Effect.gen(function*() {
        const messages = yield* messagesOf(1)
        const sizes = new Map<string, number>()
        for (const { conversation } of messages) sizes.set(conversation, (sizes.get(conversation) ?? 0) + 1)
        const sorted = [...sizes.values()].toSorted((a, b) => b - a)
        assert.isAbove(sorted.length, 290)
        assert.isAbove(sorted[0]!, COUNT / 10)
        assert.isBelow(sorted.at(-1)!, COUNT / 500)
        const words = messages.map(({ message }) => message.text!.split(" ").length).toSorted((a, b) => a - b)
        assert.strictEqual(words[0], 1)
        assert.isBelow(words[COUNT / 2]!, 20)
        assert.isAbove(words.at(-1)!, 180)
        assert.isAtMost(words.at(-1)!, 200)
        assert.strictEqual(new Set(messages.map(({ message }) => message.key)).size, COUNT)
      }),
    60_000
  )

  it.effect("goes on from where it was", () =>
    Effect.gen(function*() {
      let count = 3
      const source = makeSynthetic({ seed: 1, count: () => count })
      const [first] = yield* Stream.runCollect(source.changes(new Map(), noPast))
      count = 5
      const [second] = yield* Stream.runCollect(source.changes(new Map([["at", "3"]]), noPast))
      assert.deepStrictEqual([first!.drafts.length, second!.drafts.length], [3, 2])
      assert.deepStrictEqual(second!.cursor, [["at", "5"]])
      assert.deepStrictEqual([...(yield* Stream.runCollect(source.changes(new Map([["at", "5"]]), noPast)))], [])
    }), 60_000)
})

describe("profile", () => {
  it.scopedLive("gives each sample to the nearest caller of our own", () =>
    Effect.gen(function*() {
      const folder = yield* freshFolder(fs.mkdtempSync(join(tmpdir(), "sealog-profile-")))
      const file = (path: string): string => pathToFileURL(join("/repository", path)).href
      const node = (id: number, url: string, children: ReadonlyArray<number> = [], functionName = "f") => ({
        id,
        callFrame: { functionName, url, lineNumber: 0, columnNumber: 0 },
        children
      })
      const profile = {
        nodes: [
          node(1, "", [2, 5, 6], "(root)"),
          node(2, file("node_modules/effect/Effect.js"), [3]),
          node(3, file("packages/adapters/src/sources/Maildir.ts"), [4]),
          node(4, "node:fs"),
          node(5, "", [], "(idle)"),
          node(6, file("packages/core/src/log/MerkleLog.ts"))
        ],
        samples: [4, 3, 2, 5, 6, 4],
        timeDeltas: [1e6, 1e6, 2e6, 3e6, 1e6, 2e6]
      }
      const path = join(folder, "CPU.cpuprofile")
      fs.writeFileSync(path, JSON.stringify(profile))
      const { seconds, stages } = sharesOf(path)
      assert.strictEqual(seconds, 10)
      assert.deepStrictEqual(Object.fromEntries(stages), {
        "reading the store": 4,
        "Effect and Node": 2,
        idle: 3,
        "Merkle log": 1
      })
    }))
})
