import { assert, describe, it } from "@effect/vitest"
import { version } from "@sealog/daemon"
import { Effect } from "effect"

describe("@sealog/daemon", () => {
  it.effect("names its release", () => Effect.sync(() => assert.match(version, /^\d+\.\d+\.\d+$/)))
})
