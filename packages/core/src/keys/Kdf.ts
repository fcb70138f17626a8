/**
 * What makes a password expensive to guess: Argon2id, version 1.3 (RFC 9106). A service, because it takes a second and
 * hundreds of MiB by design, which a test of anything else should not.
 */
import { argon2idAsync } from "@noble/hashes/argon2.js"
import { type Algorithm, hashRaw, type Version } from "@node-rs/argon2"
import { Context, Data, Effect, Layer, Redacted } from "effect"
import * as Limits from "../format/Limits.ts"
import * as Hkdf from "./Hkdf.ts"
import * as Labels from "./Labels.ts"

const KEK_BYTES = 32

/** What it costs; stored in each slot. */
export interface KdfParams {
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

export interface KdfInput extends KdfParams {
  readonly password: Redacted.Redacted<Uint8Array>
  /** At least 8 bytes. */
  readonly salt: Uint8Array
}

export class KdfError extends Data.TaggedError("KdfError")<{
  /** Bounds: outside of what a reader accepts. Failed: most likely there is too little memory. */
  readonly reason: "Bounds" | "Failed"
  readonly method: string
  readonly detail: string
  readonly cause?: unknown
}> {
  override get message() {
    return `${explain[this.reason]} (${this.detail})`
  }
}

export interface KdfShape {
  /** A 32-byte key from a password. Parameters from outside are checked with `checkParams` before they come here. */
  readonly derive: (input: KdfInput) => Effect.Effect<Redacted.Redacted<Uint8Array>, KdfError>
}

export class Kdf extends Context.Tag("@sealog/core/keys/Kdf")<Kdf, KdfShape>() {}

/** Native, in the thread pool. */
export const layer: Layer.Layer<Kdf> = Layer.succeed(Kdf, {
  derive: Effect.fn("Kdf.derive")((input: KdfInput) =>
    run(input, async (password) =>
      hashRaw(password, {
        algorithm: ARGON2ID,
        version: VERSION_13,
        memoryCost: input.memoryKiB,
        timeCost: input.passes,
        parallelism: input.lanes,
        outputLen: KEK_BYTES,
        salt: input.salt
      }))
  )
})

/** The same through `@noble/hashes`: what tests hold the native one against, and many times slower. */
export const layerReference: Layer.Layer<Kdf> = Layer.succeed(Kdf, {
  derive: Effect.fn("Kdf.deriveReference")((input: KdfInput) =>
    run(input, (password) =>
      argon2idAsync(password, input.salt, {
        m: input.memoryKiB,
        t: input.passes,
        p: input.lanes,
        dkLen: KEK_BYTES,
        maxmem: Limits.KDF_CEILING.memoryKiB * 1024 + 1024
      }))
  )
})

/** FOR TESTS ONLY: no stretching at all, so that a slot opens in microseconds. It still depends on every input. */
export const layerTest: Layer.Layer<Kdf> = Layer.succeed(Kdf, {
  derive: (input) =>
    Effect.sync(() =>
      Redacted.make(Hkdf.derive({
        secret: Redacted.value(input.password),
        salt: input.salt,
        label: Labels.TEST_KDF,
        context: new TextEncoder().encode(`${input.memoryKiB} ${input.passes} ${input.lanes}`),
        length: KEK_BYTES
      }))
    )
})

/** What is wrong with parameters that came from outside, before anything is allocated for them; `undefined` if nothing. */
export const checkParams = (params: KdfParams): KdfError | undefined => {
  for (const name of ["memoryKiB", "passes", "lanes"] as const) {
    const value = params[name]
    if (!Number.isInteger(value) || value < Limits.KDF_FLOOR[name] || value > Limits.KDF_CEILING[name]) {
      const detail = `${name} ${value}, not ${Limits.KDF_FLOOR[name]} to ${Limits.KDF_CEILING[name]}`
      return new KdfError({ reason: "Bounds", method: "checkParams", detail })
    }
  }
  return undefined
}

const explain: Record<KdfError["reason"], string> = {
  Bounds: "the key slot asks for a key derivation that is too cheap or too dear; use another slot",
  Failed: "the key could not be derived; close other programs to free memory and try again"
}

// The binding's enums are ambient and have no value of their own to import.
const ARGON2ID: Algorithm.Argon2id = 2
const VERSION_13: Version.V0x13 = 1

const run = (input: KdfInput, hash: (password: Uint8Array) => Promise<Uint8Array>) =>
  Effect.tryPromise({
    try: async () => Redacted.make(new Uint8Array(await hash(Redacted.value(input.password)))),
    catch: (cause) => new KdfError({ reason: "Failed", method: "derive", detail: `${input.memoryKiB} KiB`, cause })
  })
