/** What only a real server shows: who is let in, over which certificate, what is left behind, what a put costs. */
import { assert, describe, it } from "@effect/vitest"
import { makeWebDav, prepareWebDav, sweepWebDav, type WebDavOptions } from "@sealog/adapters/storage/WebDav"
import type { Credentials } from "@sealog/adapters/storage/WebDavAuth"
import { DAV_PASSWORD, DAV_USER, startDavServer } from "@sealog/adapters/testing/DavServers"
import { numbers, same, sample } from "@sealog/core/testing/StorageSamples"
import { Clock, Effect, Redacted, Stream } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { freshFolder } from "../../support.ts"
import { davServers } from "./support.ts"

const password = (text: string, scheme: "asked" | "basic" | "digest" = "asked"): Credentials => ({
  scheme,
  user: DAV_USER,
  password: Redacted.make(text)
})

const as = (url: string, credentials?: Credentials): WebDavOptions => ({
  url: `${url}vault`,
  ...(credentials === undefined ? {} : { access: Effect.succeed({ credentials }) })
})

const roundTrip = Effect.fn("roundTrip")(function*(options: WebDavOptions) {
  yield* prepareWebDav(options)
  const storage = yield* makeWebDav(options)
  for (const n of numbers(3)) yield* storage.put(`log/a${"bcd"[n]}`, sample(5_000, n))
  assert.isTrue(same(yield* storage.get("log/ac", { offset: 100, length: 50 }), sample(5_000, 1).subarray(100, 150)))
  assert.strictEqual((yield* Stream.runCollect(storage.list("log/"))).length, 3)
  yield* storage.delete("log/ab")
})

for (const name of davServers("signing in with Basic")) {
  describe(`webdav at ${name}`, () => {
    /** Verifies: DAV-6 */
    it.scopedLive("lets in who shows a password by Basic, asked or not, and nobody else", () =>
      Effect.gen(function*() {
        const { url } = yield* startDavServer(name, { auth: "basic" })
        yield* roundTrip(as(url, password(DAV_PASSWORD)))
        yield* makeWebDav(as(url, password(DAV_PASSWORD, "basic"))).pipe(
          Effect.flatMap((storage) => storage.get("log/ac"))
        )
        for (
          const credentials of [
            undefined,
            password("wrong"),
            password("wrong", "basic"),
            password(DAV_PASSWORD, "digest")
          ]
        ) {
          const storage = yield* makeWebDav(as(url, credentials))
          const error = yield* Effect.flip(storage.get("log/ac"))
          assert.deepNestedInclude(error, { reason: "Denied", retryable: false, "cause.code": "HTTP 401" })
          assert.notInclude(`${error.message} ${JSON.stringify(error)}`, DAV_PASSWORD)
        }
      }))

    /** Verifies: KIT-3 */
    it.scopedLive("loses the empty folders that a check leaves, and no other", () =>
      Effect.gen(function*() {
        const { url } = yield* startDavServer(name, { auth: "basic" })
        const options = as(url, password(DAV_PASSWORD))
        yield* prepareWebDav(options)
        const storage = yield* makeWebDav(options)
        for (const object of ["checkab7log/aa", "checkab7blobs/aa", "log/aa"]) yield* storage.put(object, sample(9, 1))
        for (const object of ["checkab7log/aa", "log/aa"]) yield* storage.delete(object)
        yield* sweepWebDav(options, "checkab")
        yield* sweepWebDav(options, "checkab")
        assert.deepStrictEqual([...(yield* Stream.runCollect(storage.list("")))], [
          { name: "checkab7blobs/aa", size: 9 }
        ])
        yield* storage.delete("checkab7blobs/aa")
        yield* sweepWebDav(options, "checkab")
        yield* storage.put("checkab7log/aa", sample(9, 1))
      }))

    /** Verifies: DAV-8 */
    it.scopedLive("loses what dead runs left after a day, by its own clock, and nothing younger", () =>
      Effect.gen(function*() {
        const { documents, url } = yield* startDavServer(name)
        yield* prepareWebDav(as(url))
        const now = (yield* Clock.currentTimeMillis) / 1_000
        for (const [file, hours] of [["old", 25], ["young", 23]] as const) {
          const path = join(documents, "vault/tmp", file)
          fs.writeFileSync(path, "half an obj")
          if (process.getuid?.() === 0) fs.chownSync(path, 65_534, 65_534)
          fs.utimesSync(path, now, now - hours * 3_600)
        }
        const storage = yield* makeWebDav(as(url))
        assert.strictEqual(fs.readdirSync(join(documents, "vault/tmp")).length, 2)
        yield* storage.put("log/aa", sample(100, 1))
        assert.deepStrictEqual(fs.readdirSync(join(documents, "vault/tmp")), ["young"])
      }))

    /** Verifies: DAV-3 */
    it.scopedLive("leaves nothing beside its objects, of puts that were done and of those that lost", () =>
      Effect.gen(function*() {
        const { documents, url } = yield* startDavServer(name)
        yield* prepareWebDav(as(url))
        const storage = yield* makeWebDav(as(url))
        const variants = numbers(10).map((n) => sample(20_000, n))
        const exits = yield* Effect.forEach(variants, (bytes) => Effect.either(storage.put("log/aa", bytes)), {
          concurrency: 10
        })
        assert.isAtLeast(exits.filter((exit) => exit._tag === "Right").length, 1)
        for (const exit of exits) {
          if (exit._tag === "Left") assert.include(["AlreadyExists", "Throttled"], exit.left.reason)
        }
        const stored = yield* storage.get("log/aa")
        assert.isTrue(variants.some((bytes) => same(bytes, stored)))
        assert.deepStrictEqual(fs.readdirSync(join(documents, "vault/tmp")), [])
        assert.deepStrictEqual(fs.readdirSync(join(documents, "vault/log")), ["aa"])
      }))
  })
}

for (const name of davServers("signing in with Digest", ["apache", "lighttpd"])) {
  /** Verifies: DAV-6 */
  it.scopedLive(`webdav at ${name}: lets in who shows a password by Digest, and nobody else`, () =>
    Effect.gen(function*() {
      const { url } = yield* startDavServer(name, { auth: "digest" })
      yield* roundTrip(as(url, password(DAV_PASSWORD)))
      for (const credentials of [undefined, password("wrong"), password(DAV_PASSWORD, "basic")]) {
        const storage = yield* makeWebDav(as(url, credentials))
        assert.strictEqual((yield* Effect.flip(storage.get("log/ac"))).reason, "Denied")
      }
    }))
}

for (const name of davServers("what a put costs", ["apache"])) {
  /** Verifies: DAV-2 */
  it.scopedLive("an object costs one PUT, one GET and one MOVE", () =>
    Effect.gen(function*() {
      const server = yield* startDavServer(name)
      yield* prepareWebDav(as(server.url))
      const storage = yield* makeWebDav(as(server.url))
      yield* storage.put("log/aa", sample(100, 1))
      const before = (yield* server.requests).length
      yield* storage.put("log/ab", sample(2_000_000, 2))
      const asked = (yield* server.requests).slice(before).map((line) => line.replace(/tmp\/[0-9a-f]+/u, "tmp/…"))
      assert.deepStrictEqual(asked, ["PUT /vault/tmp/… 201", "GET /vault/tmp/… 200", "MOVE /vault/tmp/… 201"])
    }))

  /** Verifies: DAV-7 */
  it.scopedLive("a certificate of one's own is trusted when it is named, and refused when it is not", () =>
    Effect.gen(function*() {
      const folder = yield* freshFolder
      const [certificate, key] = [join(folder, "cert.pem"), join(folder, "key.pem")]
      const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=vault".split(
        " "
      )
      const files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
      const made = spawnSync("openssl", [...words, ...files])
      assert.strictEqual(made.status, 0, String(made.stderr ?? made.error))
      const ca = fs.readFileSync(certificate, "utf8")
      const tls = { certificatePem: ca, keyPem: fs.readFileSync(key, "utf8") }
      const { url } = yield* startDavServer(name, { tls })
      yield* roundTrip({ ...as(url), access: Effect.succeed({ ca }) })
      const error = yield* Effect.flip(prepareWebDav(as(url)))
      assert.deepNestedInclude(error, { reason: "Denied", "cause.code": "DEPTH_ZERO_SELF_SIGNED_CERT" })
    }))
}
