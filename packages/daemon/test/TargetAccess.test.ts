/** Where the way into a target on a network comes from, and what becomes of what cannot be had. */
import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { failureOf } from "@sealog/daemon/Failure"
import { Platform } from "@sealog/daemon/Platform"
import { accessFrom, makeAccess } from "@sealog/daemon/TargetAccess"
import type { TargetSettings } from "@sealog/daemon/TargetSettings"
import { Effect, Layer, Redacted } from "effect"
import { linux } from "./support/Harness.ts"

interface Given {
  readonly name?: string
  readonly url?: string
  readonly environment?: Record<string, string>
  readonly access?: TargetSettings
}

const found = ({ access, environment = {}, name = "my nas", url = "https://nas/dav/" }: Given) =>
  Effect.gen(function*() {
    const target = { name, spec: `webdav:${url}`, ...(access === undefined ? {} : { access }) }
    const made = yield* makeAccess(target, new URL(url))
    const { ca, credentials } = yield* made.access
    if (credentials === undefined) return { ca }
    return credentials.scheme === "bearer"
      ? { ca, scheme: "bearer", secret: Redacted.value(credentials.token) }
      : { ca, scheme: credentials.scheme, user: credentials.user, secret: Redacted.value(credentials.password) }
  }).pipe(Effect.provide(Layer.mergeAll(Layer.succeed(Platform, { ...linux, environment }), NodeContext.layer)))

const withFile = <A, E>(text: string, use: (path: string) => Effect.Effect<A, E>) =>
  Effect.scoped(Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = `${yield* fs.makeTempDirectoryScoped()}/secret file`
    yield* fs.writeFileString(path, text)
    return yield* use(path)
  })).pipe(Effect.provide(NodeContext.layer))

describe("the way into a target", () => {
  /** Verifies: DAV-9 */
  it.effect("takes a password from the environment, else a file, else a command, as it is but for one line break", () =>
    withFile(" from ﬁle \n\n", (path) =>
      Effect.gen(function*() {
        const file = { SEALOG_TARGET_MY_NAS_PASSWORD_FILE: path }
        const command = { SEALOG_TARGET_MY_NAS_PASSWORD_COMMAND: "printf 'from command\\n'" }
        const user = { SEALOG_TARGET_MY_NAS_USER: "ada" }
        const plain = { SEALOG_TARGET_MY_NAS_PASSWORD: "from environment" }
        const secret = (environment: Record<string, string>) =>
          Effect.map(found({ environment: { ...user, ...environment } }), (one) => one.secret)
        assert.strictEqual(yield* secret({ ...command, ...file, ...plain }), "from environment")
        assert.strictEqual(yield* secret({ ...command, ...file }), " from ﬁle \n")
        assert.strictEqual(yield* secret(command), "from command")
        assert.deepStrictEqual(yield* found({}), { ca: undefined })
      })))

  /** Verifies: DAV-9 */
  it.effect("takes from the configuration what the environment does not say, and a user from the URL", () =>
    withFile("geheim\n", (path) =>
      Effect.gen(function*() {
        const access: TargetSettings = { passwordFile: path, auth: "digest", caFile: path }
        assert.deepStrictEqual(yield* found({ access, url: "https://ada%20l@nas/dav/" }), {
          ca: "geheim\n",
          scheme: "digest",
          user: "ada l",
          secret: "geheim"
        })
        const environment = {
          SEALOG_TARGET_MY_NAS_USER: "eve",
          SEALOG_TARGET_MY_NAS_AUTH: "basic",
          SEALOG_TARGET_MY_NAS_PASSWORD_COMMAND: "echo other"
        }
        assert.deepNestedInclude(yield* found({ access, environment, url: "https://ada@nas/" }), {
          scheme: "basic",
          user: "eve",
          secret: "other"
        })
        assert.deepNestedInclude(yield* found({ access: { passwordFile: path, auth: "bearer" } }), {
          scheme: "bearer",
          secret: "geheim"
        })
      })))

  it.effect("says of what cannot be had which it was, as of a place that is closed", () =>
    withFile("", (empty) =>
      Effect.gen(function*() {
        const user = "ada"
        for (
          const [access, said] of [
            [{ user, passwordFile: "/no/such/file" }, "FileUnreadable /no/such/file"],
            [{ user, passwordFile: empty }, `Empty ${empty}`],
            [{ user, passwordCommand: "exit 3" }, "CommandFailed exit 3"],
            [{ user }, "no password for ada was given"],
            [{ passwordCommand: "echo geheim" }, "a password without a user was given"],
            [{ caFile: "/no/such/ca.pem" }, "FileUnreadable /no/such/ca.pem"]
          ] as ReadonlyArray<readonly [TargetSettings, string]>
        ) {
          const failure = failureOf(yield* Effect.flip(found({ access })))
          assert.deepNestedInclude(failure, { exit: 14, reason: "TargetDenied" })
          assert.include(failure.message, `(${said})`)
          assert.notInclude(failure.message, "geheim")
        }
        const guess = yield* Effect.flip(found({ environment: { SEALOG_TARGET_MY_NAS_AUTH: "guess" } }))
        assert.include(failureOf(guess).message, "SEALOG_TARGET_MY_NAS_AUTH is not basic, digest or bearer")
      })))

  /** Verifies: DAV-9 */
  it("keeps of the environment where a secret comes from, with whole paths, and never the secret", () => {
    const environment = {
      SEALOG_TARGET_NAS_2_USER: "ada",
      SEALOG_TARGET_NAS_2_PASSWORD: "geheim",
      SEALOG_TARGET_NAS_2_PASSWORD_FILE: "~/nas",
      SEALOG_TARGET_NAS_2_CA_FILE: "ca.pem",
      SEALOG_TARGET_NAS_2_AUTH: "guess"
    }
    assert.deepStrictEqual(accessFrom("nas-2", { ...linux, environment }), {
      user: "ada",
      passwordFile: "/home/ada/nas",
      caFile: "/home/ada/here/ca.pem"
    })
  })
})
