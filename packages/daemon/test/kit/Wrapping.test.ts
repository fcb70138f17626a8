/** What stands in front of a target comes from its configuration, and from the environment over that. */
import { assert, describe, it } from "@effect/vitest"
import * as Config from "@sealog/daemon/Config"
import { openTarget } from "@sealog/daemon/engine/Places"
import { failureOf } from "@sealog/daemon/Failure"
import { parseOne } from "@sealog/daemon/Spec"
import { accessFrom, wrappingOf } from "@sealog/daemon/TargetAccess"
import type { TargetSettings } from "@sealog/daemon/TargetSettings"
import { Effect, Either, Layer, Logger } from "effect"
import { linux } from "../support/Harness.ts"
import { services } from "./Adapters.ts"

const all: TargetSettings = {
  prefix: "ada",
  timeoutSeconds: 30,
  metrics: true,
  concurrency: 4,
  uploadBytesPerSecond: 1_000_000,
  downloadBytesPerSecond: 2_000_000,
  retries: 0,
  verifyAfterWrite: true,
  appendOnly: false
}
const target = { name: "my nas", spec: "disk:/d" }
const under = (environment: Record<string, string>) => ({ ...linux, environment })

describe("what stands in front of a target", () => {
  /** Verifies: WRP-10 */
  it("is read back from a configuration as it was written", () => {
    const place = { name: "nas", kind: "disk", place: "/d", spec: "disk:/d", access: all }
    const config: Config.Config = {
      vaultId: "ab",
      shipDelaySeconds: 2,
      drillEveryHours: 24,
      sources: [{ name: "m", kind: "maildir", place: "/m", spec: "maildir:/m" }],
      targets: [place]
    }
    const text = Config.encode(config)
    assert.include(text, "timeout_seconds = 30")
    assert.deepStrictEqual(Either.getOrThrow(Config.decode(text, "config.toml", linux)), config)
    const wrong = Config.decode(text.replace("concurrency = 4", "concurrency = 0"), "config.toml", linux)
    assert.match(
      Either.isLeft(wrong) ? failureOf(wrong.left).message : "",
      /target 1, concurrency: expected a number between 1/u
    )
  })

  /** Verifies: WRP-10 */
  it("is what the environment says, over the configuration", () => {
    const environment = { SEALOG_TARGET_MY_NAS_CONCURRENCY: "9", SEALOG_TARGET_MY_NAS_APPEND_ONLY: "true" }
    const access = { ...all, user: "ada" }
    assert.deepStrictEqual(
      Either.getOrThrow(wrappingOf({ ...target, access }, under(environment))),
      { ...all, concurrency: 9, appendOnly: true }
    )
    assert.deepStrictEqual(accessFrom("my nas", under(environment)), { concurrency: 9, appendOnly: true })
  })

  /** Verifies: WRP-10 */
  it("is refused by the name of the variable where it is no value", () => {
    for (
      const [word, text] of [
        ["RETRIES", "many"],
        ["RETRIES", "-1"],
        ["CONCURRENCY", "0"],
        ["TIMEOUT_SECONDS", "1.5"],
        ["METRICS", "yes"],
        ["PREFIX", "Ada"],
        ["UPLOAD_BYTES_PER_SECOND", "10"]
      ] as const
    ) {
      const refused = wrappingOf(target, under({ [`SEALOG_TARGET_MY_NAS_${word}`]: text }))
      if (Either.isRight(refused)) assert.fail(`${word} ${text}`)
      const failure = failureOf(refused.left)
      assert.strictEqual(failure.exit, 2)
      assert.include(failure.message, `SEALOG_TARGET_MY_NAS_${word} is not what it may be: expected`)
    }
  })

  /** Verifies: WRP-10 */
  it.scoped("stands there when the target is opened", () =>
    Effect.gen(function*() {
      const spec = Either.getOrThrow(parseOne("target", "disk:/no/such/place", linux))
      const plain = yield* openTarget(spec)
      const wrapped = yield* openTarget({ ...spec, access: { appendOnly: true } })
      assert.deepStrictEqual([plain.capabilities.deletes, wrapped.capabilities.deletes], [true, false])
    }).pipe(Effect.provide(services("/no/such/folder"))))

  /** Verifies: WRP-7, WRP-10 */
  it.effect("tells what was asked of a target when it is closed, where that is wanted", () =>
    Effect.gen(function*() {
      const said: Array<string> = []
      const logger = Logger.make(({ message }) => said.push(String(message)))
      const spec = Either.getOrThrow(parseOne("target", "told=disk:/no/such/place", linux))
      yield* openTarget({ ...spec, access: { metrics: true } }).pipe(
        Effect.flatMap((place) => Effect.flip(place.get("log/aa"))),
        Effect.scoped,
        Effect.provide(Layer.merge(services("/no/such/folder"), Logger.replace(Logger.defaultLogger, logger)))
      )
      assert.deepStrictEqual(said, ["target told: get Unreachable 1, 0 bytes sent, 0 received"])
    }))
})
