/** A target in a package of somebody else's: where it is looked for, what it has to be, and what is said where it is not. */
import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { attendTarget, openTarget } from "@sealog/daemon/engine/Places"
import { failureOf } from "@sealog/daemon/Failure"
import { loadPackage, splitPackage } from "@sealog/daemon/Package"
import { Platform } from "@sealog/daemon/Platform"
import { parseOne, type Spec } from "@sealog/daemon/Spec"
import { Effect, Either } from "effect"
import { dirname, join } from "node:path"
import { linux } from "../support/Harness.ts"
import { examples, services, withAdapters } from "./Adapters.ts"

const ADAPTER = "{ sealog: \"storage/1\", kind: \"theirs\", capabilities: {}, open: () => {}, prepare: () => {} }"

/** A folder with packages in its `node_modules`, and what loading one of them comes to. */
const loaded = (files: Readonly<Record<string, string>>, name: string, from = "") =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const root = yield* fs.makeTempDirectoryScoped()
    for (const [path, text] of Object.entries(files)) {
      const file = join(root, "node_modules", path)
      yield* fs.makeDirectory(dirname(file), { recursive: true })
      yield* fs.writeFileString(file, text)
    }
    const currentDir = join(root, from)
    const exit = yield* Effect.either(
      loadPackage(name).pipe(Effect.provideService(Platform, { ...linux, currentDir }))
    )
    return Either.match(exit, { onLeft: (error) => error.reason, onRight: ({ kind }) => kind })
  }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))

const target = (text: string): Spec => Either.getOrThrow(parseOne("target", text, linux))

describe("a package", () => {
  /** Verifies: KIT-2 */
  it.effect("is found from the current folder up, by whatever its manifest says is imported", () =>
    Effect.gen(function*() {
      const text = `export default ${ADAPTER}`
      const manifests = {
        main: "{ \"type\": \"module\", \"main\": \"lib/a.js\" }",
        text: "{ \"type\": \"module\", \"exports\": \"./lib/a.js\" }",
        dot: "{ \"type\": \"module\", \"exports\": { \".\": \"./lib/a.js\" } }",
        conditions:
          "{ \"exports\": { \".\": { \"types\": \"./no.d.ts\", \"require\": \"./no.cjs\", \"import\": \"./lib/a.js\" } } }",
        deep: "{ \"exports\": { \"browser\": \"./no.js\", \"node\": { \"import\": \"./lib/a.js\" } } }"
      }
      for (const [name, manifest] of Object.entries(manifests)) {
        const module = manifest.includes("module") ? manifest : `{ "type": "module", ${manifest.slice(1)}`
        const files = { [`${name}/package.json`]: module, [`${name}/lib/a.js`]: text }
        assert.strictEqual(yield* loaded(files, name, "deep/below"), "theirs", name)
      }
      const scoped = { "@me/it/package.json": "{ \"type\": \"module\" }", "@me/it/index.js": text }
      assert.strictEqual(yield* loaded(scoped, "@me/it"), "theirs")
      const common = { "it/package.json": "{}", "it/index.js": `exports.default = ${ADAPTER}` }
      assert.strictEqual(yield* loaded(common, "it"), "theirs")
    }))

  /** Verifies: KIT-2 */
  it.effect("is told apart by why it cannot be used", () =>
    Effect.gen(function*() {
      const one = (text: string) => ({ "it/package.json": "{ \"type\": \"module\" }", "it/index.js": text })
      assert.strictEqual(yield* loaded({}, "sealog-adapter-nowhere"), "NotInstalled")
      assert.strictEqual(yield* loaded(one("throw new Error(\"boom\")"), "it"), "NotLoaded")
      assert.strictEqual(yield* loaded({ "it/package.json": "{" }, "it"), "NotLoaded")
      assert.strictEqual(yield* loaded({ "it/package.json": "{}" }, "it"), "NotLoaded")
      assert.strictEqual(yield* loaded(one("export const a = 1"), "it"), "NotAnAdapter")
      assert.strictEqual(yield* loaded(one("export default { sealog: \"storage/2\" }"), "it"), "NotAnAdapter")
    }))

  /** Verifies: KIT-2 */
  it("is named with options that are no secrets", () => {
    assert.deepStrictEqual(splitPackage(target("package:@me/it?folder=%2Fa%20b&n=1").place), {
      name: "@me/it",
      options: { folder: "/a b", n: "1" }
    })
    const spec = target("mine=package:it?a=ü&b=").spec
    assert.strictEqual(target(spec).spec, spec)
    const refused = (text: string) => {
      const parsed = parseOne("target", text, linux)
      return Either.isLeft(parsed) ? parsed.left : undefined
    }
    for (
      const text of ["package:", "package:../it", "package:It", "package:a/b", "package:it?a=1&a=2", "package:it?=1"]
    ) {
      assert.include(["BadPackage", "Malformed"], refused(text)?.reason, text)
    }
    for (const option of ["password", "apiKey", "api_key", "token", "clientSecret"]) {
      const error = refused(`package:it?${option}=geheim`)
      assert.strictEqual(error?.reason, "SecretInSpec", option)
      assert.notInclude(JSON.stringify(error === undefined ? "" : failureOf(error)), "geheim")
    }
  })

  /** Verifies: KIT-2 */
  it.scoped("opens with its options, which it names where they are wrong", () =>
    withAdapters([join(examples, "sealog-adapter-example")], (folder) =>
      Effect.gen(function*() {
        const said = (options: string) =>
          Effect.map(
            Effect.flip(openTarget(target(`package:sealog-adapter-example${options}`))),
            (error) => error._tag === "PackageError" ? error.detail : error._tag
          )
        assert.strictEqual(yield* said(""), "folder: is missing")
        assert.strictEqual(yield* said(`?folder=${folder}&colour=red`), "colour: is no option of it")
        const place = yield* openTarget(target(`package:sealog-adapter-example?folder=${folder}/vault`))
        assert.strictEqual((yield* Effect.flip(place.put("log/aa", new Uint8Array(3)))).reason, "Unreachable")
        assert.strictEqual((yield* Effect.flip(place.put("log/A", new Uint8Array(3)))).reason, "Unsupported")
      })))

  /** Verifies: KIT-2 */
  it.scoped("that is gone holds up no other target of a home", () =>
    Effect.gen(function*() {
      const place = yield* attendTarget(target("package:sealog-adapter-nowhere"))
      const failure = failureOf(yield* Effect.flip(place.get("log/aa")))
      assert.strictEqual(failure.exit, 14)
      assert.include(failure.message, "there is no package sealog-adapter-nowhere")
    }).pipe(Effect.provide(services("/no/such/folder"))))
})
