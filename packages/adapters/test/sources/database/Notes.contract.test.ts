import { describe, it } from "@effect/vitest"
import { register } from "@sealog/core/testing/Contract"
import { sourceContract } from "@sealog/core/testing/SourceContract"
import { noteCapabilities, noteDriver } from "./NoteStore.ts"

/** Verifies: SRC-1, SRC-2, SRC-3, SRC-4 */
register({ describe, it }, sourceContract, { name: "a database", layer: noteDriver, capabilities: noteCapabilities })
