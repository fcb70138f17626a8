/**
 * Somebody who can send messages to the owner and sees how long every object at the provider is (as CRIME and BREACH did
 * with TLS): what he sends is compressed, and would be shorter where it repeats a secret. He guesses a code of six
 * digits that a bank has sent, and knows the program, the vault's keys but for the secret, and everything else that was
 * recorded: so he knows how long each object would be if the secret had nothing to do with his guess.
 *
 * Verifies: SHIP-13
 */
import { paddedLength } from "@sealog/core/format/Padme"
import { sealedLength } from "@sealog/core/format/SealedStream"
import { Effect } from "effect"
import { randomOf } from "../../faults/Trials.ts"
import type { Row } from "../Row.ts"
import { breathe } from "../Sampling.ts"
import { type Codes, type Scenario, scenarios } from "../SizeScenarios.ts"
import { makeSizeWorld, type Seen } from "../SizeWorld.ts"

/** Secrets of a release, each with a thousand guesses; and of a test. */
const SECRETS = 20
/** Where it is only measured what is given away. */
const SHARED_SECRETS = 5
const FEW_SECRETS = 2
const FEW_GUESSES = 1_000
/** Advantage over chance that nobody may have, percent. */
const ADVANTAGE_PERCENT = 1
/** What padding may cost at most, percent, above the smallest object. */
const OVERHEAD_PERCENT = 12
const LENGTHS = 50_000

export const sizes: Row = {
  name: "sizes",
  fault: "Secrets guessed by how long objects become",
  how:
    "an attacker sends guesses of a code, as mails and in chats, and sees every object's size; the code is in another mail "
    + "or chat, before, in the same ship, in the same block: his advantage over chance is under 1 %, even if he saw sizes "
    + "before padding. Padding costs at most 12 %",
  unit: "guesses",
  trials: { test: 32, release: 20_000 },
  testMillis: 120_000,
  run: ({ say, seed, trials }) =>
    Effect.gen(function*() {
      const failures: Array<string> = []
      const measured: Record<string, number> = {}
      let apart = 0
      let done = 0
      for (const scenario of scenarios) {
        const secrets = trials <= FEW_GUESSES ? FEW_SECRETS : scenario.shares ? SHARED_SECRETS : SECRETS
        const codes = codesOf(seed, secrets, Math.ceil(trials / (trials <= FEW_GUESSES ? FEW_SECRETS : SECRETS)))
        const advantage = yield* advantageIn(scenario, codes, `${seed}`)
        done += secrets * codes.guesses.length
        say(`${scenario.name}: ${JSON.stringify(advantage)}`)
        for (const [how, percent] of Object.entries(advantage)) {
          if (scenario.shares) {
            measured[`${scenario.name}, ${how}, %`] = percent
            continue
          }
          apart = Math.max(apart, percent)
          if (percent < ADVANTAGE_PERCENT) continue
          failures.push(`${scenario.name}: ${how} gives an advantage of ${percent} % (seed ${seed})`)
        }
        // Where secret and guess are compressed together it must be found out, or nothing ever is.
        if (scenario.shares && advantage[BEFORE_PADDING]! < 50) failures.push(`${scenario.name}: not found out`)
      }
      const overhead = overheadOf(seed)
      if (overhead.most > OVERHEAD_PERCENT) failures.push(`padding costs ${overhead.most} %`)
      return {
        trials: done,
        failures,
        measured: {
          "advantage by mails and chats of his own, before padding, %": apart,
          ...measured,
          "padding costs at most, %": overhead.most,
          "padding costs on average, %": overhead.average
        }
      }
    })
}

const BEFORE_PADDING = "before padding"

const codesOf = (seed: number, secrets: number, guesses: number): Codes => {
  const random = randomOf(`codes ${seed}`)
  const all = new Set<string>()
  while (all.size < guesses + 1) all.add(String(100_000 + Math.floor(random() * 900_000)))
  const [dummy, ...candidates] = [...all] as [string, ...Array<string>]
  return {
    dummy,
    guesses: candidates,
    secrets: Array.from({ length: secrets }, () => candidates[Math.floor(random() * candidates.length)]!)
  }
}

/** The attacker's advantage over chance, percent, by what he looks at. */
const advantageIn = Effect.fn("Sizes.advantageIn")(function*(scenario: Scenario, codes: Codes, seed: string) {
  const model = yield* observe(scenario, codes, codes.dummy, seed)
  const align = yield* alignedBy(scenario, codes, seed, model)
  const gains = new Map<string, number>()
  const gain = (how: string, more: number) => gains.set(how, (gains.get(how) ?? 0) + more / codes.secrets.length)
  for (const secret of codes.secrets) {
    const right = codes.guesses.indexOf(secret)
    const seen = yield* observe(scenario, codes, secret, seed)
    gain(BEFORE_PADDING, gainOf(difference(seen, model, ({ exact }) => exact.sent), right))
    gain("as it is", gainOf(difference(seen, model, ({ padded }) => padded.sent), right))
    gain("by what is merged", gainOfMerged(seen, model, right))
    if (scenario.shares) gain("aligned to a step of the padding", gainOf(yield* align(seen, secret), right))
  }
  return Object.fromEntries([...gains].map(([how, each]) => [how, Math.round(each * 1_000) / 10]))
})

/** What is seen of each guess, one ship each. */
const observe = Effect.fn("Sizes.observe")(function*(
  scenario: Scenario,
  { guesses }: Codes,
  secret: string,
  seed: string,
  filler: (guess: number) => number = () => 0
) {
  const world = yield* makeSizeWorld(`sizes ${seed}`)
  yield* world.ship(scenario.before(secret))
  const seen: Array<Seen> = []
  for (const [at, guess] of guesses.entries()) {
    seen.push(yield* world.ship(...scenario.ship(secret, guess, filler(at))))
    if (at % BREATHE_EVERY === 0) yield* breathe
  }
  return seen
})

const BREATHE_EVERY = 50

/** How much each guess is off what it should be. */
const difference = (
  seen: ReadonlyArray<Seen>,
  model: ReadonlyArray<Seen>,
  look: (seen: Seen) => number
): ReadonlyArray<number> => seen.map((each, at) => look(each) - look(model[at]!))

/** How much likelier the right one is picked, by who takes one of those that came out shortest, than by chance. */
const gainOf = (differences: ReadonlyArray<number>, right: number): number => {
  const least = Math.min(...differences)
  const shortest = differences.filter((each) => each === least).length
  return (differences[right] === least ? 1 / shortest : 0) - 1 / differences.length
}

/** The same by the segments that others were merged into, before padding: each is of the guesses since the one before. */
const gainOfMerged = (seen: ReadonlyArray<Seen>, model: ReadonlyArray<Seen>, right: number): number => {
  const ends = seen.flatMap(({ exact }, at) => exact.merged > 0 && model[at]!.exact.merged > 0 ? [at] : [])
  const group = ends.findIndex((end) => end >= right)
  if (group < 0) return 0
  const size = ends[group]! - (group === 0 ? -1 : ends[group - 1]!)
  return gainOf(ends.map((end) => seen[end]!.exact.merged - model[end]!.exact.merged), group) / size
}

/**
 * The attacker also sends noise, of just such a length that a few bytes less make the object shorter by a whole step of
 * the padding: which length that is he finds out without a guess, and here he is told.
 */
const alignedBy = Effect.fn("Sizes.alignedBy")(function*(
  scenario: Scenario,
  codes: Codes,
  seed: string,
  model: ReadonlyArray<Seen>
) {
  const noisy = scenario.shares ? yield* observe(scenario, codes, codes.dummy, seed, () => NOISE_BYTES) : []
  return Effect.fn("Sizes.align")(function*(plain: ReadonlyArray<Seen>, secret: string) {
    const offset = median(difference(plain, model, ({ exact }) => exact.sent))
    const lengths = noisy.map(({ exact }) => exact.sent + offset + TRAILER_LENGTH_BYTES)
    const sum = lengths.map(() => 0)
    for (const beyond of BEYOND_STEP) {
      const more = lengths.map((length) => paddedLength(length) + beyond - length)
      const seen = yield* observe(scenario, codes, secret, seed, (guess) => NOISE_BYTES + more[guess]!)
      for (const [at, { padded }] of seen.entries()) {
        sum[at]! += padded.sent - sealedLength(paddedLength(lengths[at]! + more[at]!))
      }
    }
    return sum
  })
})

/** Bytes by which an object is longer than a step, in turn: one that is shortened by as many falls back below it. */
const BEYOND_STEP = [1, 3, 5]

/** Noise that lifts an object above the smallest size, where steps are narrow, bytes. */
const NOISE_BYTES = 5_000
/** Behind the trailer. */
const TRAILER_LENGTH_BYTES = 4

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** What padding adds, percent, for segments of all magnitudes above the smallest object. */
const overheadOf = (seed: number) => {
  const random = randomOf(`lengths ${seed}`)
  let most = 0
  let sum = 0
  for (let count = 0; count < LENGTHS; count++) {
    const length = Math.floor(2 ** (12 + random() * 12))
    const overhead = (sealedLength(paddedLength(length)) / sealedLength(length) - 1) * 100
    most = Math.max(most, overhead)
    sum += overhead
  }
  return { most: Math.round(most * 100) / 100, average: Math.round((sum / LENGTHS) * 100) / 100 }
}
