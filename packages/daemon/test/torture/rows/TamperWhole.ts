/**
 * Mutants as a reader of the whole vault meets them: it says which object it is and which events are concerned, and
 * what it gave out before is what it gives where that object is missing.
 */
import { parseSegmentName } from "@sealog/core/format/ObjectName"
import { Effect, Either } from "effect"
import { makeSmallVault, type Objects, opened, restored, type SmallVault } from "../../faults/SmallVault.ts"
import { pick, randomOf } from "../../faults/Trials.ts"
import { mutationsOf } from "../Mutations.ts"

/** Enough for a compaction, whose leavings are kept too. */
const VAULT = { segments: 20, blobs: 3 }
const SAY_EVERY = 500
const NOISE = new Uint8Array(64).fill(0x5a)

/** So many mutants of a small vault, by chance; what went wrong. */
export const tryWhole = Effect.fn("TamperWhole.tryWhole")(function*({ say, seed, trials }: {
  readonly seed: number
  readonly trials: number
  readonly say: (line: string) => void
}) {
  const random = randomOf(`whole ${seed}`)
  const vault = yield* makeSmallVault({ seed: `whole ${seed}`, ...VAULT })
  const names = [...vault.ever.keys()]
  const without = new Map<string, string>()
  const failures: Array<string> = []
  const { given } = yield* restored(vault.ever, vault.ring)
  if (given.join("\n") !== vault.messages.join("\n")) failures.push("with all it ever held it does not restore whole")
  // A vault in which nothing was changed must be found to be taken: so the same is found where it matters.
  if (
    (yield* restoredWithout(vault, vault.ever, names.find((name) => name.startsWith("blobs/"))!, without)) === undefined
  ) {
    failures.push("a vault that gives out what it should not is not found out")
  }
  for (let trial = 0; trial < trials; trial++) {
    const name = pick(random, names)
    const mutations = mutationsOf(vault.ever.get(name)!, NOISE)
    const { bytes, kind, number } = mutations.mutant(Math.floor(random() * mutations.count))
    const objects = new Map(vault.ever).set(name, bytes.slice())
    const wrong = /^(log|blobs)\//.test(name)
      ? yield* restoredWithout(vault, objects, name, without)
      : yield* openedWithout(vault, objects, name)
    if (wrong !== undefined) failures.push(`${name} with ${kind} ${number}: ${wrong} (trial ${trial} of seed ${seed})`)
    if ((trial + 1) % SAY_EVERY === 0) say(`${trial + 1} of ${trials} whole restores`)
  }
  return failures
})

const restoredWithout = Effect.fn("TamperWhole.restoredWithout")(function*(
  vault: SmallVault,
  objects: Objects,
  name: string,
  known: Map<string, string>
) {
  const elsewhere = known.get(name) ?? (yield* givenWithout(vault, name))
  known.set(name, elsewhere)
  const { given, outcome } = yield* restored(objects, vault.ring)
  if (given.join("\n") !== elsewhere) return "something of it was given out, or of others was not"
  if (Either.isRight(outcome)) return "restored as if nothing were"
  const error = outcome.left
  if (error._tag !== "RestoreError" || error.reason !== "NotProven") return `another error: ${error.message}`
  if (name.startsWith("blobs/")) {
    const named = error.unread.some(({ cause }) => cause._tag === "FormatError" && cause.what === name)
    return named ? undefined : "its error does not name it"
  }
  const { first, last } = Either.getOrThrow(parseSegmentName(vault.ring, name))
  const found = error.findings.find((finding) => finding.object === name)
  return found?.reason === "Damaged" && found.first === first && found.last === last ? undefined : "it is not named"
})

/** What is given out of the vault in which an object is missing. */
const givenWithout = (vault: SmallVault, name: string) => {
  const objects = new Map(vault.ever)
  objects.delete(name)
  return Effect.map(restored(objects, vault.ring), ({ given }) => given.join("\n"))
}

/** A slot, or the vault's file: nothing opens by it, and what is left of the slots opens as before. */
const openedWithout = Effect.fn("TamperWhole.openedWithout")(function*(
  vault: SmallVault,
  objects: Objects,
  name: string
) {
  const slots = [...vault.ever.keys()].filter((each) => each.startsWith("slots/"))
  for (const [at, secret] of vault.secrets.entries()) {
    const ring = yield* Effect.either(opened(objects, secret))
    const isOpen = Either.isRight(ring)
    if (isOpen && Buffer.compare(ring.right.vaultId, vault.ring.vaultId) !== 0) return "another vault was opened"
    if (name === slots[at] && isOpen) return "the slot was taken"
    if (name !== "sealog.json" && name !== slots[at] && !isOpen) return "the other slot does not open"
  }
  return undefined
})
