/**
 * Loaded into a measured process of ours before the program itself: writes down, when it ends, what the process took
 * of the processor and of memory, and what of that the derivation of a key took, which is told by itself.
 */
import type { hashRaw } from "@node-rs/argon2"
import * as fs from "node:fs"
import * as modules from "node:module"
import { isMainThread } from "node:worker_threads"
import { peakBytes, setBack } from "../Resident.ts"

/** What is written to the file that SEALOG_BENCH_METER names. */
export interface Meter {
  readonly cpuSeconds: number
  /** Without the derivation. */
  readonly peakBytes: number
  readonly derivations: ReadonlyArray<Derivation>
}

export interface Derivation {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakBytes: number
}

const derivations: Array<Derivation> = []
let peakBefore = 0

const cpuSeconds = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1e6
}

/** Keys are derived for the main thread. */
const watchDerivations = (): void => {
  // Changed where `require` has it: what is imported later of a CommonJS module is taken from there.
  const argon2 = modules.createRequire(import.meta.url)("@node-rs/argon2") as { hashRaw: typeof hashRaw }
  const derive = argon2.hashRaw
  argon2.hashRaw = async (...input) => {
    peakBefore = Math.max(peakBefore, peakBytes())
    const from = { seconds: performance.now() / 1_000, cpu: cpuSeconds() }
    try {
      return await derive(...input)
    } finally {
      derivations.push({
        seconds: performance.now() / 1_000 - from.seconds,
        cpuSeconds: cpuSeconds() - from.cpu,
        peakBytes: peakBytes()
      })
      setBack()
    }
  }
}

const file = process.env["SEALOG_BENCH_METER"]
if (isMainThread && file !== undefined) {
  watchDerivations()
  process.once("exit", () => {
    const meter: Meter = {
      cpuSeconds: cpuSeconds() - derivations.reduce((sum, each) => sum + each.cpuSeconds, 0),
      peakBytes: Math.max(peakBefore, peakBytes()),
      derivations
    }
    fs.writeFileSync(file, JSON.stringify(meter))
  })
}
