import { assert, describe, it } from "@effect/vitest"
import { draftOf, type FileRules, type Wanted } from "@sealog/adapters/sources/database/AttachmentFile"
import { heldIn, lackingIn, rememberAttachments } from "@sealog/adapters/sources/database/AttachmentTable"
import type { Event, Fact } from "@sealog/core/message/Event"
import { Effect, Stream } from "effect"
import * as fc from "fast-check"
import { createHash, randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { freshFolder } from "../../support.ts"

const setUp = Effect.gen(function*() {
  const top = yield* freshFolder
  const store = join(top, "store 📷")
  fs.mkdirSync(store)
  const rules: FileRules = { folders: [fs.realpathSync(store)], policy: Number.POSITIVE_INFINITY, now: 0 }
  const wanted = (path: string | undefined, told = ""): Wanted => ({
    conversation: "c",
    key: "m",
    file: { attachment: "a", ...(path === undefined ? {} : { path }) },
    origin: 7,
    told
  })
  const reasonFor = (path: string | undefined, change: Partial<FileRules> = {}, told = "") =>
    Effect.map(draftOf(wanted(path, told), { ...rules, ...change }), (draft) => {
      if (draft === undefined) return "nothing"
      return draft.fact.kind === "attachment.missing" ? draft.fact.reason : draft.fact.kind
    })
  return { top, store, rules, wanted, reasonFor }
})

/** Verifies: SRC-61 */
describe("the file of an attachment", () => {
  it.effect("is taken whole where it is short, and in pieces where it is long, with its digest", () =>
    Effect.gen(function*() {
      const { rules, store, wanted } = yield* setUp
      for (const size of [0, 1, 128 * 1024 - 1, 128 * 1024, 3_000_000]) {
        const bytes = randomBytes(size)
        const path = join(store, `${size} 💾.jpg`)
        fs.writeFileSync(path, bytes)
        const draft = yield* draftOf(wanted(path), rules)
        assert.deepInclude(draft?.fact, { kind: "attachment.content", key: "m", attachment: "a", origin: 7 })
        const pieces = draft?.large === undefined ? [] : [...(yield* Stream.runCollect(draft.large.bytes))]
        const content = draft?.fact.kind === "attachment.content" ? draft.fact.content : undefined
        const read = draft?.large === undefined && content?._tag === "inline" ? content.bytes : Buffer.concat(pieces)
        assert.isTrue(bytes.equals(read), String(size))
        const sha256 = createHash("sha256").update(bytes).digest()
        assert.deepStrictEqual(Buffer.from(draft?.large?.sha256 ?? draft!.sha256!), sha256)
        assert.strictEqual(draft?.large !== undefined, size >= 128 * 1024)
      }
    }).pipe(Effect.scoped))

  it.effect("that cannot be had is told with its reason, and once", () =>
    Effect.gen(function*() {
      const { reasonFor, store, top } = yield* setUp
      const photo = join(store, "photo.jpg")
      fs.writeFileSync(photo, "12345")
      const outside = join(top, "secret")
      fs.writeFileSync(outside, "12345")
      fs.symlinkSync(outside, join(store, "link.jpg"))
      const sparse = join(store, "evicted.jpg")
      fs.truncateSync((fs.writeFileSync(sparse, ""), sparse), 5_000)
      assert.strictEqual(yield* reasonFor(undefined), "not on this machine")
      assert.strictEqual(yield* reasonFor(join(store, "gone.jpg")), "not on this machine")
      assert.strictEqual(yield* reasonFor(join(store, "gone.jpg"), {}, "not on this machine"), "nothing")
      assert.strictEqual(yield* reasonFor(join(photo, "below")), "not on this machine")
      assert.strictEqual(yield* reasonFor(store), "not a file")
      assert.strictEqual(yield* reasonFor(outside), "not in the store's own folders")
      assert.strictEqual(yield* reasonFor(join(store, "..", "secret")), "not in the store's own folders")
      assert.strictEqual(yield* reasonFor(join(store, "link.jpg")), "not in the store's own folders")
      assert.strictEqual(yield* reasonFor(sparse), "in the cloud only")
      assert.strictEqual(yield* reasonFor(photo, { policy: 5 }), "left out by the owner's choice: 5 bytes or more")
      assert.strictEqual(yield* reasonFor(photo, { policy: 6 }), "attachment.content")
      assert.strictEqual(yield* reasonFor(photo, { policy: 0 }), "left out by the owner's choice")
      assert.strictEqual(yield* reasonFor(photo, {}, "not on this machine"), "attachment.content")
    }).pipe(Effect.scoped))

  it.effect("that may still be being written waits", () =>
    Effect.gen(function*() {
      const { reasonFor, store } = yield* setUp
      const photo = join(store, "photo.jpg")
      fs.writeFileSync(photo, "12345")
      const written = fs.statSync(photo).mtimeMs
      assert.strictEqual(yield* reasonFor(photo, { now: written + 1_000 }), "nothing")
      assert.strictEqual(yield* reasonFor(photo, { now: written + 2_001 }), "attachment.content")
      assert.strictEqual(yield* reasonFor(photo, { now: written - 1e9 }), "attachment.content")
    }).pipe(Effect.scoped))
})

describe("what is remembered of attachments", () => {
  const id = fc.nat(20).map(String)
  const fact: fc.Arbitrary<Fact> = fc.oneof(
    fc.record({ key: id, ids: fc.array(id, { maxLength: 4 }), edited: fc.boolean() }).map((
      { edited, ids, key }
    ): Fact => ({
      kind: edited ? "message.edited" : "message.added",
      conversation: "",
      message: { key, type: "image", attachments: ids.map((each) => ({ id: each })) }
    })),
    fc.record({ key: id, attachment: id }).map((of): Fact => ({
      kind: "attachment.content",
      conversation: "",
      ...of,
      content: { _tag: "inline", bytes: new Uint8Array() }
    })),
    fc.record({ key: id, attachment: id }).map((of): Fact => ({
      kind: "attachment.missing",
      conversation: "",
      ...of,
      reason: "gone"
    }))
  )

  it("is, for any history, what was named and never had, with what was told of it last", () => {
    fc.assert(fc.property(fc.array(fact, { maxLength: 60 }), (facts) => {
      const table = new Map<string, string>()
      const held = new Set<string>()
      const lacking = new Map<string, string>()
      for (const each of facts) {
        const event: Event = { ...each, recordedAt: 0, source: "s" }
        rememberAttachments(event, {
          get: (key) => table.get(key),
          set: (key, value) => void table.set(key, value),
          delete: (key) => void table.delete(key)
        })
        if (each.kind === "message.added" || each.kind === "message.edited") {
          for (const attachment of each.message.attachments ?? []) {
            const name = `${each.message.key} ${attachment.id}`
            if (!held.has(name) && !lacking.has(name)) lacking.set(name, "")
          }
        } else if (each.kind === "attachment.content") {
          held.add(`${each.key} ${each.attachment}`)
          lacking.delete(`${each.key} ${each.attachment}`)
        } else if (each.kind === "attachment.missing") lacking.set(`${each.key} ${each.attachment}`, each.reason)
      }
      const found = [...lackingIn(table)].map(({ attachment, key, reason }) =>
        [`${key} ${attachment}`, reason] as const
      )
      assert.deepStrictEqual(new Map(found), lacking)
      assert.strictEqual(heldIn(table), held.size)
    }))
  })
})
