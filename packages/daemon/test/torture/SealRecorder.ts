/**
 * Every use of the native cipher in this process, by what went into it: whichever module seals, and whatever it seals,
 * it is here. A nonce is used twice where one key and nonce gave two ciphertexts.
 */
import { Effect } from "effect"
import crypto, { type Cipher, createHash } from "node:crypto"
import { syncBuiltinESMExports } from "node:module"

export interface SealRecorder {
  /** Seals so far. */
  readonly count: () => number
  /** Of these, how many had a key and nonce that had sealed something else before. */
  readonly repeated: () => number
  /** Forgets what was sealed, and counts from 0. */
  readonly forget: () => void
}

/** Records from here to the end of the scope. */
export const recordSeals = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const recorder = new Recorder()
      const native = crypto.createCipheriv
      crypto.createCipheriv = ((...made: Parameters<typeof native>) => {
        const [, key, nonce] = made
        const cipher = native(...made)
        recorder.watch(cipher, digest(key as Uint8Array, nonce as Uint8Array))
        return cipher
      }) as typeof native
      syncBuiltinESMExports()
      return { recorder, native }
    }),
    ({ native }) =>
      Effect.sync(() => {
        crypto.createCipheriv = native
        syncBuiltinESMExports()
      })
  ),
  ({ recorder }): SealRecorder => recorder
)

class Recorder implements SealRecorder {
  /** By key and nonce, what they gave. */
  private readonly seen = new Map<string, string>()
  private seals = 0
  private repeats = 0

  count = () => this.seals
  repeated = () => this.repeats
  forget = () => {
    this.seen.clear()
    this.seals = 0
    this.repeats = 0
  }

  watch(cipher: Cipher, used: string): void {
    const update = cipher.update.bind(cipher) as (bytes: Uint8Array) => Buffer
    Object.assign(cipher, {
      update: (bytes: Uint8Array) => {
        const given = update(bytes)
        this.note(used, digest(given))
        return given
      }
    })
  }

  private note(used: string, gave: string): void {
    this.seals++
    const before = this.seen.get(used)
    if (before === undefined) this.seen.set(used, gave)
    // The same bytes sealed again in the same way tell nobody anything.
    else if (before !== gave) this.repeats++
  }
}

const digest = (...parts: ReadonlyArray<Uint8Array>): string => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest().toString("latin1", 0, DIGEST_BYTES)
}

/** Enough that two are never the same by chance. */
const DIGEST_BYTES = 16
