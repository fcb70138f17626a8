/**
 * A storage provider that puts objects under each other's names: within a vault, with all that it ever held; between
 * two vaults of one password; and between a vault and its twin, which has the same keys, logs and messages and only
 * another vault id.
 *
 * Verifies: FAULT-10
 */
import { openBlob, openSegment } from "@sealog/core/backup/VaultObjects"
import { epochOf, parseSegmentName } from "@sealog/core/format/ObjectName"
import { decodeVaultFile, VAULT_FILE } from "@sealog/core/format/VaultFile"
import { Effect, Either } from "effect"
import { PASSWORD } from "../../faults/SmallMachine.ts"
import { makeSmallVault, opened, restored, type SmallVault, type SmallVaultOptions } from "../../faults/SmallVault.ts"
import { randomOf } from "../../faults/Trials.ts"
import type { Row } from "../Row.ts"
import { ENOUGH_FAILURES, ranges, sampled, withoutTraces } from "../Sampling.ts"

const VAULT = { segments: 144, blobs: 45 }
/** For so few pairs that a smaller vault has enough of them. */
const FEW = { segments: 36, blobs: 8 }
const FEW_PAIRS = 10_000
/** For the pairs that a whole vault is restored with. */
const SMALL = { segments: 6 }
/** Pairs that are opened by themselves for each that a whole vault is restored with. */
const ALONE_FOR_WHOLE = 20
const SAY_EVERY = 20_000

export const swap: Row = {
  name: "swap",
  fault: "Objects under each other's names",
  how: "every object under every other's name, across kinds: in one vault with all it ever held, between two of one "
    + "password, and between two that differ in their vault id alone; each refused for the right reason, and a restore "
    + "gives all or nothing",
  unit: "pairs",
  // More than there are: for a release each of them is tried.
  trials: { test: 3_000, release: 10_000_000 },
  testMillis: 120_000,
  run: ({ say, seed, trials }) =>
    Effect.gen(function*() {
      yield* withoutTraces
      const random = randomOf(`swap ${seed}`)
      const large = yield* pairsOf(seed, trials > FEW_PAIRS ? VAULT : FEW)
      const small = yield* pairsOf(seed, SMALL)
      const failures = [...(yield* controls(small))]
      let done = 0
      const tryAll = Effect.fnUntraced(function*(pairs: Pairs, most: number, refuse: typeof refusedAlone, how: string) {
        for (const number of sampled(pairs.count, most, random)) {
          const wrong = yield* refuse(pairs.pair(number))
          if (wrong !== undefined) failures.push(`${wrong} (${how}, pair ${number} of seed ${seed})`)
          if (++done % SAY_EVERY === 0) say(`${done} pairs`)
          if (failures.length >= ENOUGH_FAILURES) break
        }
      })
      yield* tryAll(large, trials, refusedAlone, "alone")
      const alone = done
      yield* tryAll(small, Math.ceil(trials / ALONE_FOR_WHOLE), refusedWhole, "restored")
      return { trials: done, failures, measured: { "opened alone": alone, "whole restores": done - alone } }
    })
}

/** The bytes of one object where another should be. */
interface Pair {
  readonly into: SmallVault
  readonly to: string
  readonly from: string
  readonly bytes: Uint8Array
  readonly isOtherVault: boolean
}

interface Pairs {
  readonly count: number
  readonly pair: (number: number) => Pair
}

const pairsOf = Effect.fn("Swap.pairsOf")(
  function*(seed: number, shape: Pick<SmallVaultOptions, "segments" | "blobs">) {
    const one = yield* makeSmallVault({ seed: `one ${seed}`, ...shape })
    const other = yield* makeSmallVault({ seed: `other ${seed}`, ...shape })
    const twin = yield* makeSmallVault({ seed: `one ${seed}`, ...shape, vaultId: new Uint8Array(32).fill(7) })
    const ways = [[one, one], [one, other], [other, one], [one, twin], [twin, one]] as const
    const all = ranges(
      ways.map(([into, source]) => into.ever.size * source.ever.size - (into === source ? into.ever.size : 0))
    )
    const pair = (number: number): Pair => {
      const [way, at] = all.at(number)
      const [into, source] = ways[way]!
      const sources = [...source.ever]
      const place = Math.floor(at / (into === source ? sources.length - 1 : sources.length))
      const rest = at - place * (into === source ? sources.length - 1 : sources.length)
      // Within a vault every object but the one whose place it is.
      const [from, bytes] = sources[into === source && rest >= place ? rest + 1 : rest]!
      return { into, to: [...into.ever.keys()][place]!, from, bytes, isOtherVault: into !== source }
    }
    return { count: all.total, pair } satisfies Pairs
  }
)

/** Opens the bytes as what they are taken for; what is wrong with how they were refused. */
const refusedAlone = Effect.fnUntraced(function*(pair: Pair) {
  const { from, to } = pair
  const reason = yield* reasonFor(pair)
  const wanted = wantedFor(pair)
  return wanted.includes(reason) ? undefined : `${from} as ${to} was ${reason}, not ${wanted.join(" or ")}`
})

const TAKEN = "taken"

const reasonFor = ({ bytes, into, to }: Pair): Effect.Effect<string> => {
  const { ring } = into
  const reasonOf = <A, E extends { readonly reason: string }>(opening: Effect.Effect<A, E>) =>
    Effect.match(opening, { onSuccess: () => TAKEN, onFailure: ({ reason }) => reason })
  if (to.startsWith("log/")) {
    const info = { ...Either.getOrThrow(parseSegmentName(ring, to)), object: to, bytes: bytes.length }
    return reasonOf(openSegment(ring, info, bytes))
  }
  if (to.startsWith("blobs/")) return reasonOf(openBlob({ ring, object: to, epoch: epochOf(to)!, bytes }))
  if (to === VAULT_FILE && Either.isLeft(decodeVaultFile(bytes))) return reasonOf(decodeVaultFile(bytes))
  const secret = into.secrets[Math.max(0, slotsOf(into).indexOf(to))]!
  return reasonOf(opened(new Map(into.ever).set(to, bytes), secret))
}

const wantedFor = ({ from, isOtherVault, to }: Pair): ReadonlyArray<string> => {
  if (to === VAULT_FILE) return from === VAULT_FILE ? ["OtherVault"] : ["Malformed", "Limit"]
  if (to.startsWith("slots/")) return from.startsWith("slots/") && isOtherVault ? ["OtherVault"] : ["Malformed"]
  return from === VAULT_FILE ? ["Truncated", "Unauthentic"] : ["Unauthentic"]
}

/** Restores the vault with the bytes in the wrong place: they are not taken, and their own place is not missed unseen. */
const refusedWhole = Effect.fnUntraced(function*({ bytes, from, into, to }: Pair) {
  const objects = new Map(into.ever).set(to, bytes)
  const secrets = to.startsWith("slots/") ? into.secrets : [PASSWORD]
  let refused = 0
  for (const secret of secrets) {
    const ring = yield* Effect.either(opened(objects, secret))
    const restore = Either.isRight(ring) ? yield* restored(objects, ring.right) : undefined
    if (restore === undefined || Either.isLeft(restore.outcome)) refused++
    else if (restore.given.join("\n") !== into.messages.join("\n")) return `${from} as ${to} changed what is restored`
  }
  // The slot that stands where it stood still opens; the other one is not taken for it.
  return refused === 1 ? undefined : `${from} as ${to}: ${refused} of ${secrets.length} restores refused`
})

/** A vault in which every object is where it belongs must be found to be taken. */
const controls = Effect.fnUntraced(function*(pairs: Pairs) {
  const failures: Array<string> = []
  for (const kind of ["log/", "blobs/", "slots/"]) {
    const { into } = pairs.pair(0)
    const [name, bytes] = [...into.ever].find(([each]) => each.startsWith(kind))!
    const right: Pair = { into, to: name, from: name, bytes, isOtherVault: false }
    for (const refuse of [refusedAlone, refusedWhole]) {
      if ((yield* refuse(right)) === undefined) failures.push(`${name} in its own place is not found to be taken`)
    }
  }
  return failures
})

const slotsOf = ({ ever }: SmallVault) => [...ever.keys()].filter((name) => name.startsWith("slots/"))
