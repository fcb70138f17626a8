import { assert, describe, it } from "@effect/vitest"
import { version } from "@sealog/adapters"
import { Effect } from "effect"

describe("@sealog/adapters", () => {
  it.effect("names its release", () => Effect.sync(() => assert.match(version, /^\d+\.\d+\.\d+$/)))
})
