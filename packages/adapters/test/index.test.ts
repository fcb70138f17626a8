import { version } from "@sealog/adapters"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

describe("@sealog/adapters", () => {
  it.effect("names its release", () => Effect.sync(() => assert.match(version, /^\d+\.\d+\.\d+$/)))
})
