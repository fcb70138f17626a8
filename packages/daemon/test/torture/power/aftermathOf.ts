/**
 * Looks at machines after a cut, a line for each, and answers with a line of what it found. In a process of its own:
 * LevelDB ends the process at some damages, which then is the finding.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Entropy from "@sealog/core/keys/Entropy"
import { Effect, Layer, Logger } from "effect"
import { createInterface } from "node:readline"
import { openRingAt } from "../../support/Pipeline.ts"
import { decodeQuestion, findingsAfter } from "./Aftermath.ts"

const [password, vault] = process.argv.slice(2) as [string, string]

const layer = Layer.mergeAll(NodeContext.layer, Entropy.layer, Logger.remove(Logger.defaultLogger))
const ring = await Effect.runPromise(Effect.provide(openRingAt(vault, password), layer))
for await (const line of createInterface({ input: process.stdin })) {
  const findings = await Effect.runPromise(Effect.provide(findingsAfter({ ...decodeQuestion(line), ring }), layer))
  process.stdout.write(`${JSON.stringify(findings)}\n`)
}
