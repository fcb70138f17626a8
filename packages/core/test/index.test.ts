import { assert, describe, it } from "@effect/vitest"
import { version } from "@sealog/core"
import { Effect } from "effect"

describe("@sealog/core", () => {
  it.effect("names its release", () => Effect.sync(() => assert.match(version, /^\d+\.\d+\.\d+$/)))
})
