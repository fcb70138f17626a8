/**
 * A storage provider that changes what it holds: any bit, any length, chunks of an object dropped, doubled or swapped,
 * any letter of a name. Each object is opened with what a reader opens it with; some of the mutants are also put back
 * into a vault and restored from as a whole.
 *
 * Verifies: FAULT-7, FAULT-8, FAULT-9
 */
import { epochOf, parseSegmentName } from "@sealog/core/format/ObjectName"
import {
  HEAD_BYTES,
  layout,
  openChunk,
  openChunks,
  openStream,
  SALT_BYTES,
  streamContext
} from "@sealog/core/format/SealedStream"
import { decodeVaultFile } from "@sealog/core/format/VaultFile"
import * as Hkdf from "@sealog/core/keys/Hkdf"
import * as Kdf from "@sealog/core/keys/Kdf"
import { openSlot } from "@sealog/core/keys/KeySlot"
import * as Labels from "@sealog/core/keys/Labels"
import { Effect, Either, Redacted } from "effect"
import { makeSmallVault, type SmallVault } from "../../faults/SmallVault.ts"
import { randomOf } from "../../faults/Trials.ts"
import { chunkOf, type Mutant, mutationsOf } from "../Mutations.ts"
import type { Row } from "../Row.ts"
import { breathe, ENOUGH_FAILURES, ranges, sampled, withoutTraces } from "../Sampling.ts"
import { tryWhole } from "./TamperWhole.ts"

/** Two hundred objects: segments of two levels, blobs, slots and `sealog.json`; three of them of two chunks. */
const VAULT = { segments: 144, blobs: 45, wide: true }
/** The same for so few mutants that a smaller vault will do. */
const FEW = { segments: 36, blobs: 8, wide: true }
const FEW_MUTANTS = 10_000
/** Mutants that are opened by themselves for each that a whole vault is restored with. */
const ALONE_FOR_WHOLE = 100
const WHOLE_MOST = 2_000
const SAY_EVERY = 1_000_000
const BREATHE_EVERY = 500

export const tamper: Row = {
  name: "tamper",
  fault: "Objects changed by whoever holds them",
  how: "every bit flipped, every length, bytes added, chunks dropped, doubled and swapped, every letter of a segment's "
    + "name, in a vault of 200 objects: each refused before a byte is released; restored as a whole, the object is named "
    + "and nothing of it is given out",
  unit: "mutants",
  // More than there are: for a release each of them is tried.
  trials: { test: 6_000, release: 20_000_000 },
  testMillis: 120_000,
  run: ({ say, seed, trials }) =>
    Effect.gen(function*() {
      yield* withoutTraces
      const random = randomOf(`tamper ${seed}`)
      const vault = yield* makeSmallVault({ seed: `tamper ${seed}`, ...(trials > FEW_MUTANTS ? VAULT : FEW) })
      const subjects = [...subjectsOf(vault), ...namesOf(vault)]
      const all = ranges(subjects.map(({ count }) => count))
      const failures = subjects.flatMap((subject) => control(subject))
      let done = 0
      for (const number of sampled(all.total, trials, random)) {
        const [at, way] = all.at(number)
        const failure = subjects[at]!.refuses(way)
        if (failure !== undefined) failures.push(`${failure} (${number} of seed ${seed})`)
        if (done % BREATHE_EVERY === 0) yield* breathe
        if (++done % SAY_EVERY === 0) say(`${done} of ${Math.min(trials, all.total)} mutants`)
        if (failures.length >= ENOUGH_FAILURES) break
      }
      const restores = Math.min(WHOLE_MOST, Math.ceil(trials / ALONE_FOR_WHOLE))
      failures.push(...(yield* tryWhole({ seed, trials: restores, say })))
      return {
        trials: done + restores,
        failures,
        measured: {
          objects: vault.ever.size,
          "of all mutants, %": percent(done, all.total),
          "whole restores": restores
        }
      }
    })
}

/** Something that is opened, and all that can be done to it. */
interface Subject {
  readonly name: string
  readonly count: number
  /** Tries one of the ways; what went wrong, where anything did. */
  readonly refuses: (way: number) => string | undefined
  /** The same with a reader who takes whatever comes. */
  readonly refusesBlindly: (way: number) => string | undefined
  readonly isOpenUntouched: () => boolean
}

/** Untouched it must open, and a reader who checks nothing must be found out. */
const control = (subject: Subject): ReadonlyArray<string> => [
  ...(subject.isOpenUntouched() ? [] : [`${subject.name} does not open as it was written`]),
  ...(subject.refusesBlindly(0) === undefined ? [`a reader of ${subject.name} who checks nothing passes`] : [])
]

/** What became of bytes: a reason why they were refused; otherwise they were taken. */
type Opening = (mutant: Mutant) => string | undefined

const subjectsOf = (vault: SmallVault): ReadonlyArray<Subject> => {
  const noise = new Uint8Array(64).map((_, at) => at * 37)
  return [...vault.ever].map(([name, original]) => {
    const open = openingOf(vault, name, original)
    const mutations = mutationsOf(original, noise)
    const judged = (way: number, opening: Opening) => {
      const mutant = mutations.mutant(way)
      const refused = opening(mutant)
      const allowed = REASONS[mutant.kind]
      return refused !== undefined && (!isSealed(name) || allowed.includes(refused))
        ? undefined
        : `${name} with ${mutant.kind} ${mutant.number} was ${
          refused === undefined ? "taken" : `refused as ${refused}`
        }`
    }
    return {
      name,
      // The text of `sealog.json` may be longer by white space and say the same.
      count: name === "sealog.json" ? original.length * 8 + original.length : mutations.count,
      refuses: (way) => judged(way, open),
      refusesBlindly: (way) => judged(way, () => undefined),
      isOpenUntouched: () => open({ bytes: original, kind: "bit", number: HEAD_BYTES * 8 }) === undefined
    }
  })
}

/** Segments and blobs; of slots and the vault's file every reason will do. */
const isSealed = (name: string): boolean => /^(log|blobs)\//.test(name)

/** Why sealed objects are refused. */
const REASONS: Record<Mutant["kind"], ReadonlyArray<string>> = {
  bit: ["Unauthentic"],
  length: ["Truncated", "Malformed", "Unauthentic"],
  longer: ["Malformed", "Unauthentic"],
  chunks: ["Malformed", "Unauthentic", "Truncated"]
}

const openingOf = (vault: SmallVault, name: string, original: Uint8Array): Opening => {
  if (name === "sealog.json") return openingOfFile(vault)
  return name.startsWith("slots/") ? openingOfSlot(vault, name) : openingOfStream(vault, name, original)
}

/**
 * With the object's key derived once, as the specification has it: only where the head is touched is it derived anew.
 * An object of several chunks is opened now as a whole, now by that chunk alone, as a reader of a range does.
 */
const openingOfStream = ({ ring }: SmallVault, name: string, original: Uint8Array): Opening => {
  const kind = name.startsWith("log/") ? "segment" : "blob"
  const key = ring.key(epochOf(name)!, kind)!
  const context = streamContext({ kind, vaultId: ring.vaultId, name })
  const salt = original.subarray(0, SALT_BYTES)
  const derived = Hkdf.derive({ secret: Redacted.value(key), salt, label: Labels.OBJECT, context, length: 64 })
  const streamKey = Redacted.make(derived.subarray(0, 32))
  const whole = Either.getOrThrow(layout(original.length))
  return ({ bytes, kind: change, number }) => {
    if (bytes.length < HEAD_BYTES || (change === "bit" && number < HEAD_BYTES * 8)) {
      return reasonOf(openStream({ key, context, sealed: bytes }))
    }
    const index = change === "bit" && whole.chunks > 1 && number % 2 === 1 ? chunkOf(number) : undefined
    if (index === undefined) {
      return reasonOf(Either.flatMap(layout(bytes.length), (shape) => openChunks(streamKey, shape, bytes)))
    }
    const { final, length, offset } = whole.chunk(index)
    const head = bytes.subarray(0, HEAD_BYTES)
    return reasonOf(openChunk({ key, context, head, index, final, bytes: bytes.subarray(offset, offset + length) }))
  }
}

const openingOfSlot = (vault: SmallVault, name: string): Opening => {
  const { vaultId } = vault.ring
  const secret = vault.secrets[[...vault.ever.keys()].filter((each) => each.startsWith("slots/")).indexOf(name)]!.value
  return ({ bytes }) =>
    reasonOf(Effect.runSync(Effect.either(openSlot({ bytes, secret, vaultId }).pipe(Effect.provide(Kdf.layerTest)))))
}

/** It is readable text and nobody vouches for it: all it may do is name another vault, whose slots these are not. */
const openingOfFile = ({ ring }: SmallVault): Opening => ({ bytes, kind, number }) => {
  const read = decodeVaultFile(bytes)
  if (Either.isLeft(read)) return read.left.reason
  if (Buffer.compare(read.right.vaultId, ring.vaultId) !== 0) return "Other"
  // Without its line feed it says the same.
  return kind === "length" && number === bytes.length ? "Malformed" : undefined
}

const reasonOf = (result: Either.Either<unknown, { readonly reason: string }>): string | undefined =>
  Either.isLeft(result) ? result.left.reason : undefined

const LETTERS = "abcdefghijklmnopqrstuvwxyz234567"

/** Each letter of a segment's name as each other letter. */
const namesOf = ({ ever, ring }: SmallVault): ReadonlyArray<Subject> =>
  [...ever.keys()].filter((name) => name.startsWith("log/")).map((name) => {
    const from = "log/".length
    const changed = (way: number) => {
      const at = from + Math.floor(way / (LETTERS.length - 1))
      const was = LETTERS.indexOf(name[at]!)
      const letter = LETTERS[(was + 1 + (way % (LETTERS.length - 1))) % LETTERS.length]!
      return name.slice(0, at) + letter + name.slice(at + 1)
    }
    const isTaken = (mutant: string) => Either.isRight(parseSegmentName(ring, mutant))
    return {
      name: `the name ${name}`,
      count: (name.length - from) * (LETTERS.length - 1),
      refuses: (way) => isTaken(changed(way)) ? `${changed(way)} is taken for a segment` : undefined,
      refusesBlindly: (way) => changed(way) === name ? undefined : "taken",
      isOpenUntouched: () => isTaken(name)
    }
  })

const percent = (part: number, whole: number): number => Math.floor((part / whole) * 100_000) / 1_000
