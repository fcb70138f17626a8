/**
 * A storage provider that makes key slots of its own: one whose ciphertext opens under many passwords at once, so that
 * one guess would try them all; ones that ask for a key derivation that is worthless, or beyond any machine; and a
 * whole vault under keys of its own, in place of the one that a machine ships to.
 *
 * Verifies: KEY-3, KEY-4, KEY-5, SHIP-11
 */
import { SLOTS } from "@sealog/core/format/Limits"
import { slotName } from "@sealog/core/format/ObjectName"
import * as Entropy from "@sealog/core/keys/Entropy"
import * as Kdf from "@sealog/core/keys/Kdf"
import { makeKeyRing } from "@sealog/core/keys/KeyRing"
import { makeSlot, openSlot } from "@sealog/core/keys/KeySlot"
import { Effect, Either, Layer, Redacted } from "effect"
import { makeSmallMachine } from "../../faults/SmallMachine.ts"
import { opened, smallStore } from "../../faults/SmallVault.ts"
import { randomOf } from "../../faults/Trials.ts"
import { type Asking, asking, AT, craftSlot, OUT_OF_BOUNDS } from "../CraftedSlot.ts"
import type { Row } from "../Row.ts"

const SAY_EVERY = 100
/** A target is replaced, and a vault crowded with crafted slots, each so many trials. */
const TARGET_EVERY = 10
/** Slots planted beside the true one. */
const CROWD = 20
const REFUSAL_MILLIS = 10
const REFUSAL_BYTES = 5 * 1024 * 1024

export const slotAttack: Row = {
  name: "slot-attack",
  fault: "Key slots and whole vaults made by an attacker",
  how:
    "slots whose ciphertext opens under 2 to 16 passwords: none but the one committed to is taken, with one text for "
    + "all others; slots that ask for too little or too much: refused in under 10 ms and 5 MiB; a self-consistent vault "
    + "in place of a machine's target: nothing is sent there",
  unit: "slots",
  trials: { test: 20, release: 1_000 },
  testMillis: 120_000,
  run: ({ say, seed, trials }) =>
    Effect.gen(function*() {
      const failures: Array<string> = []
      const times: Times = { inside: [], outside: [] }
      let most = 0
      for (let trial = 0; trial < trials; trial++) {
        const wrong = (what: string) => void failures.push(`${what} (trial ${trial} of seed ${seed})`)
        const keys = keysOf(trial)
        most = Math.max(most, keys)
        yield* tryCrafted(`${seed} ${trial}`, keys, times).pipe(Effect.map((each) => each.forEach(wrong)))
        if (trial % TARGET_EVERY === 0) {
          yield* tryCrowd(`${seed} ${trial}`).pipe(Effect.map((each) => each.forEach(wrong)))
          yield* tryTargets(`${seed} ${trial}`).pipe(Effect.map((each) => each.forEach(wrong)))
        }
        if ((trial + 1) % SAY_EVERY === 0) say(`${trial + 1} of ${trials} slots`)
      }
      const bounds = yield* tryBounds(seed)
      failures.push(...bounds.failures)
      const [inside, outside] = [median(times.inside), median(times.outside)]
      return {
        trials,
        failures,
        measured: {
          "passwords of one slot at most": most,
          "parameter sets": OUT_OF_BOUNDS.length,
          "slowest refusal of parameters, ms": bounds.slowest,
          "refusals timed": times.inside.length + times.outside.length,
          "a password that was in the forgery takes longer by, %": Math.round((inside / outside - 1) * 1_000) / 10
        }
      }
    }).pipe(Effect.provide(Kdf.layerTest))
}

/** From 2 to 12, and each larger number now and then: every password more takes four times as long to forge. */
const keysOf = (trial: number): number => {
  const large = [15, 31, 45, 59].indexOf(trial % 60)
  return large < 0 ? 2 + (trial % 11) : 13 + large
}

const passwordsOf = (name: string, count: number) =>
  Array.from({ length: count }, (_, at) => Redacted.make(`password ${at} of ${name}`))

const aSlot = Effect.fn("SlotAttack.aSlot")(function*(name: string) {
  const vaultId = new Uint8Array(32).fill(9)
  const ring = makeKeyRing({ vaultId, epochs: new Map([[0, Redacted.make(new Uint8Array(32).fill(1))]]) })
  const slot = yield* makeSlot({ kind: "password", secret: Redacted.make(name), ring, params: FLOOR })
  return { ...slot, vaultId }
})

const FLOOR = { memoryKiB: 64 * 1024, passes: 3, lanes: 1 } as const

interface Times {
  /** Milliseconds that refusing a password took which the ciphertext opens under, and one which it does not. */
  readonly inside: Array<number>
  readonly outside: Array<number>
}

const tryCrafted = Effect.fn("SlotAttack.tryCrafted")(
  function*(name: string, count: number, times: Times) {
    const failures: Array<string> = []
    const { random } = yield* randomBytesOf
    const { bytes: slot } = yield* aSlot(name)
    const passwords = passwordsOf(name, count)
    const { bytes, taken } = yield* craftSlot({ slot, passwords, random })
    if (taken !== count) failures.push(`the cipher alone takes ${taken} of ${count} passwords: no attack`)
    const texts = new Set<string>()
    const others = passwordsOf(`others of ${name}`, count)
    for (const [at, password] of passwords.entries()) {
      const first = timed(bytes, password)
      const isOpen = Either.isRight(first.outcome)
      if (isOpen !== (at === 0)) failures.push(`password ${at} of ${count} was ${isOpen ? "taken" : "refused"}`)
      const other = timed(bytes, others[at]!)
      if (Either.isRight(other.outcome)) failures.push("a password that it was not made for was taken")
      for (const { outcome } of [first, other]) if (Either.isLeft(outcome)) texts.add(outcome.left.message)
      if (isOpen) continue
      times.inside.push(first.millis)
      times.outside.push(other.millis)
    }
    if (texts.size !== 1) failures.push(`refused in ${texts.size} texts: ${[...texts].join("; ")}`)
    return failures
  },
  (effect, name) => Effect.provide(effect, Entropy.layerSeeded(name))
)

const randomBytesOf = Effect.map(Entropy.Entropy, (entropy) => ({ random: entropy.bytes }))

const timed = (bytes: Uint8Array, secret: Redacted.Redacted<string>) => {
  const from = performance.now()
  const outcome = openedAtOnce(bytes, secret, Kdf.layerTest)
  return { outcome, millis: performance.now() - from }
}

const openedAtOnce = (
  bytes: Uint8Array,
  secret: Redacted.Redacted<string>,
  kdf: Layer.Layer<Kdf.Kdf>,
  vaultId?: Uint8Array
) => {
  const opening = openSlot({ bytes, secret, ...(vaultId === undefined ? {} : { vaultId }) })
  return Effect.runSync(Effect.either(opening).pipe(Effect.provide(kdf)))
}

const derivesNothing = Layer.succeed(Kdf.Kdf, { derive: () => Effect.dieMessage("a password was stretched") })

/** A vault crowded with crafted slots costs no more key derivations than slots are tried, and opens by none of them. */
const tryCrowd = Effect.fn("SlotAttack.tryCrowd")(
  function*(name: string) {
    const { random } = yield* randomBytesOf
    const { bytes: slot, vaultId } = yield* aSlot(name)
    const file = new TextEncoder().encode(
      JSON.stringify({ magic: "sealog", format: 1, vaultId: Buffer.from(vaultId).toString("hex") })
    )
    const objects = new Map([["sealog.json", file]])
    const passwords = passwordsOf(name, 3)
    for (let planted = 0; planted < CROWD; planted++) {
      const { bytes } = yield* craftSlot({ slot, passwords, random })
      const id = random(16)
      // Its id is in the header, and so in the key: this only makes it one more slot to try.
      bytes.set(id, AT.epoch - id.length)
      objects.set(slotName(id), bytes)
    }
    let derived = 0
    const counting = Layer.effect(
      Kdf.Kdf,
      Effect.map(Effect.provide(Kdf.Kdf, Kdf.layerTest), (kdf) => ({
        derive: (input: Kdf.KdfInput) => Effect.suspend(() => (derived++, kdf.derive(input)))
      }))
    )
    const outcome = yield* Effect.either(opened(objects, { kind: "password", value: passwords[0]! }, counting))
    return [
      ...(Either.isRight(outcome) ? ["a crafted slot under another id was taken"] : []),
      ...(derived > SLOTS ? [`${derived} key derivations for one password`] : []),
      ...(derived === 0 ? ["no slot was tried"] : [])
    ]
  },
  (effect, name) => Effect.provide(effect, Entropy.layerSeeded(`crowd ${name}`))
)

/** What an attacker has put where a machine ships to; each gets nothing. */
const tryTargets = Effect.fn("SlotAttack.tryTargets")(function*(name: string) {
  const failures: Array<string> = []
  for (const [what, replace] of Object.entries(REPLACEMENTS)) {
    const machine = yield* makeSmallMachine({ seed: `victim ${name}`, source: smallStore({ seed: name }) })
    yield* machine.capture(0)
    yield* machine.ship
    yield* machine.capture(1)
    const before = machine.puts.length
    const stranger = yield* makeSmallMachine({
      seed: `stranger ${name}`,
      source: smallStore({ seed: `stranger ${name}` }),
      ...(what.includes("same id") ? { vaultId: machine.ring.vaultId } : {})
    })
    yield* stranger.capture(0)
    yield* stranger.ship
    replace(machine.objects, stranger.objects)
    const outcome = yield* Effect.either(machine.ship)
    const sent = machine.puts.length - before
    const reason = Either.isLeft(outcome) ? `${outcome.left._tag} ${outcome.left.reason}` : "nothing"
    const isControl = what === CONTROL
    if (sent > 0 !== isControl) failures.push(`${what}: ${sent} objects were sent there`)
    const wanted = isControl ? ["nothing"] : ["VaultError OtherVault", "VaultError KeysReplaced"]
    if (!wanted.includes(reason)) failures.push(`${what}: refused for ${reason}`)
  }
  return failures
})

type Replace = (objects: Map<string, Uint8Array>, stranger: ReadonlyMap<string, Uint8Array>) => void

const replaceAll: Replace = (objects, stranger) => {
  objects.clear()
  for (const [name, bytes] of stranger) objects.set(name, bytes)
}

const CONTROL = "nothing replaced"

const REPLACEMENTS: Readonly<Record<string, Replace>> = {
  [CONTROL]: () => undefined,
  "a vault of the attacker's": replaceAll,
  "a vault of the attacker's, with the same id": replaceAll,
  "slots of the attacker's for the same id, the log as it was": (objects, stranger) => {
    for (const name of [...objects.keys()].filter((each) => each.startsWith("slots/"))) objects.delete(name)
    for (const [name, bytes] of stranger) if (name.startsWith("slots/")) objects.set(name, bytes)
  },
  "slots of the attacker's under the names of ours, with the same id": (objects, stranger) => {
    const theirs = [...stranger].filter(([name]) => name.startsWith("slots/"))
    for (const [at, name] of [...objects.keys()].filter((each) => each.startsWith("slots/")).entries()) {
      objects.set(name, theirs[at]![1])
    }
  },
  "one slot more, for the same id": (objects, stranger) => {
    const [name, bytes] = [...stranger].find(([each]) => each.startsWith("slots/"))!
    objects.set(name, bytes)
  },
  "another id over the same slots": (objects, stranger) => void objects.set("sealog.json", stranger.get("sealog.json")!)
}

/** Every way of asking for a key derivation out of bounds, in whole slots; nothing may be derived. */
const tryBounds = Effect.fn("SlotAttack.tryBounds")(function*(seed: number) {
  const failures: Array<string> = []
  const random = randomOf(`bounds ${seed}`)
  const { bytes: slot, vaultId } = yield* aSlot(`bounds ${seed}`).pipe(Effect.provide(Entropy.layerSeeded(seed)))
  const openAsked = (fields: Asking) =>
    openedAtOnce(asking(slot, fields), Redacted.make("any"), derivesNothing, vaultId)
  let slowest = 0
  for (const fields of OUT_OF_BOUNDS.toSorted(() => random() - 0.5)) {
    const what = JSON.stringify(fields)
    const outcome = openAsked(fields)
    const wanted = fields.kdf === undefined ? ["Bounds"] : ["Malformed", "Unknown"]
    const reason = Either.isLeft(outcome) ? outcome.left.reason : "taken"
    if (!wanted.includes(reason)) failures.push(`${what} was ${reason}`)
    const cost = leastOf(() => openAsked(fields))
    slowest = Math.max(slowest, cost.millis)
    if (cost.millis >= REFUSAL_MILLIS) failures.push(`${what} took ${cost.millis} ms to refuse`)
    if (cost.bytes >= REFUSAL_BYTES) failures.push(`${what} took ${cost.bytes} bytes to refuse`)
  }
  return { failures, slowest: Math.round(slowest * 100) / 100 }
})

/** What something costs when nothing else is in its way: the least of a few times, of time and of memory. */
const leastOf = (work: () => unknown) => {
  let [millis, bytes] = [Infinity, Infinity]
  for (let time = 0; time < 5; time++) {
    const [from, held] = [performance.now(), process.memoryUsage.rss()]
    work()
    millis = Math.min(millis, performance.now() - from)
    bytes = Math.min(bytes, process.memoryUsage.rss() - held)
  }
  return { millis, bytes }
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
