import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { makeIMessageStore } from "@sealog/adapters/testing/IMessageStore"
import { WhatsAppApp } from "@sealog/adapters/testing/WhatsAppApp"
import { Platform } from "@sealog/daemon/Platform"
import { sourceKinds, sources, targetKinds, targets, type TargetServices } from "@sealog/daemon/Registry"
import { Effect, Layer } from "effect"
import { linux } from "./support/Harness.ts"

const layers = Layer.merge(NodeContext.layer, Layer.succeed(Platform, linux))

const withFolder = <A, E>(use: (folder: string) => Effect.Effect<A, E, TargetServices>) =>
  Effect.scoped(Effect.flatMap(FileSystem.FileSystem, (fs) => Effect.flatMap(fs.makeTempDirectoryScoped(), use))).pipe(
    Effect.provide(layers)
  )

describe("Registry", () => {
  it.effect("opens every source it has, under the name and kind asked for", () =>
    withFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        for (const part of ["cur", "new", "tmp"]) yield* fs.makeDirectory(`${folder}/${part}`)
        // One folder that is a store of every kind.
        new WhatsAppApp({ root: folder, seed: 1 }).close()
        makeIMessageStore({ path: `${folder}/chat.db`, seed: 1 }).database.close()
        for (const [kind, { open }] of Object.entries(sources)) {
          const source = yield* open({ name: "mine", place: folder })
          assert.deepStrictEqual([source.name, source.kind], ["mine", kind])
        }
      })
    ))

  it.effect("refuses a store that is not there, by name", () =>
    Effect.gen(function*() {
      for (const { open } of Object.values(sources)) {
        const error = yield* Effect.flip(open({ name: "mine", place: "/no/such/store" }))
        assert.deepNestedInclude(error, { _tag: "SourceError", reason: "NotFound" })
      }
    }))

  it.effect("makes every kind of place on this machine ready and opens it", () =>
    withFolder((folder) =>
      Effect.gen(function*() {
        const local = Object.entries(targets).filter(([, { place }]) => place === "path")
        assert.isAbove(local.length, 0)
        const fs = yield* FileSystem.FileSystem
        for (const [kind, { open, prepare }] of local) {
          // A folder that is synced is made in one that is there; any other with those on the way to it.
          yield* fs.makeDirectory(`${folder}/${kind}`)
          const spec = { name: "mine", place: `${folder}/${kind}/new`, access: Effect.succeed({}) }
          yield* prepare(spec)
          assert.strictEqual((yield* open(spec)).kind, kind)
        }
      })
    ))

  it.effect("opens every kind of place on a network though nothing answers there yet", () =>
    Effect.gen(function*() {
      const far = Object.entries(targets).filter(([, { place }]) => place === "url")
      assert.isAbove(far.length, 0)
      for (const [kind, { open, prepare }] of far) {
        // Port 9 of this machine: nobody listens there.
        const spec = { name: "mine", place: "http://127.0.0.1:9/vault/", access: Effect.succeed({}) }
        assert.strictEqual((yield* open(spec)).kind, kind)
        assert.strictEqual((yield* Effect.flip(prepare(spec))).reason, "Unreachable")
      }
    }).pipe(Effect.scoped, Effect.provide(layers)))

  it("keeps the names of later releases apart from those it has", () => {
    assert.deepStrictEqual(Object.keys(sources).filter((kind) => sourceKinds[kind] !== "now"), [])
    assert.deepStrictEqual(Object.keys(targets).filter((kind) => targetKinds[kind] !== "now"), [])
    assert.strictEqual(sourceKinds["signal"], "later")
    assert.strictEqual(targetKinds["s3"], "later")
  })
})
