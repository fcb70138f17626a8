import { describe, it } from "@effect/vitest"
import { register } from "@sealog/core/testing/Contract"
import { sourceContract } from "@sealog/core/testing/SourceContract"
import { imessageCapabilities, imessageDriver } from "./IMessageDriver.ts"

/** Verifies: SRC-1, SRC-2, SRC-3, SRC-4 */
register({ describe, it }, sourceContract, {
  name: "imessage",
  layer: imessageDriver,
  capabilities: imessageCapabilities
})
