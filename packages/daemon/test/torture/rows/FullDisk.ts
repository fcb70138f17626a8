/**
 * Full disks: a real file system on which so much space is left and no more, under the home or under the target, while
 * more arrives than fits. What is wrong is said, what was confirmed can be read, and once there is space all goes on.
 *
 * Verifies: FAULT-13
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { doubled } from "../../faults/Checker.ts"
import { deliverLarge } from "../../faults/Deliveries.ts"
import { initLine, inSmall, noNamespace, type Step } from "../../faults/SmallDisk.ts"
import { randomOf } from "../../faults/Trials.ts"
import { fillMaildir, type Machine, makeMachine } from "../../support/Machine.ts"
import type { Outcome, Row, Trials } from "../Row.ts"

/** Space left, from none on, KiB. */
const STEP_KIB = 64
const STEPS = 8 * 1_024 / STEP_KIB + 1
const PLACES = ["home", "target"] as const
type Place = (typeof PLACES)[number]
/** The whole disk, KiB: there is room for the home's reserve, and twice as much while that is made. */
const DISK_KIB = 64 * 1_024
const FIRST_MAILS = 20
/** Random text, which compresses by a third: about 8 MiB in the journal, 3 MiB in blobs. */
const MORE_MAILS = 90
const MAIL_WORDS = 11_500
const LARGE_MAILS = 30
/** Machines at once. */
const LANES = 2

export const fullDisk: Row = {
  name: "full-disk",
  fault: "Disk full",
  how: "a tmpfs on which 0 to 8 MiB are left, in steps of 64 KiB, under the home or the target, while 12 MB of mails "
    + "arrive: the exit code and the reason say so, status and log go on and show all that was confirmed, and once "
    + "there is space one sync completes it: every mail once, the target verified as a whole",
  unit: "disks",
  trials: { test: 4, release: STEPS * PLACES.length },
  testMillis: 300_000,
  lacks: Effect.succeed(noNamespace),
  run: (trials) => Effect.provide(fillAll(trials), NodeContext.layer)
}

const fillAll = Effect.fn("FullDisk.run")(function*({ say, seed, trials }: Trials) {
  const random = randomOf(`full-disk ${seed}`)
  const cases = Array.from({ length: STEPS * PLACES.length }, (_, at) => ({
    place: PLACES[at % PLACES.length]!,
    left: Math.floor(at / PLACES.length) * STEP_KIB,
    order: random()
  })).toSorted((a, b) => a.order - b.order)
  const failures: Array<string> = []
  let full = 0
  let done = 0
  yield* Effect.forEach(
    Array.from({ length: trials }, (_, trial) => ({ ...cases[trial % cases.length]!, trial })),
    ({ left, place, trial }) =>
      Effect.gen(function*() {
        const { findings, wasFull } = yield* Effect.scoped(fillOne(place, left, seed * 1_000 + trial))
        failures.push(...findings.map((each) => `seed ${seed}, ${left} KiB left under the ${place}: ${each}`))
        if (wasFull) full++
        done++
        if (done % 20 === 0) say(`${done} disks, ${failures.length} failures`)
      }),
    { concurrency: LANES, discard: true }
  )
  // Where nothing was ever full, nothing was tried.
  if (full < trials / 2) failures.push(`seed ${seed}: only ${full} of ${trials} disks became full`)
  return { trials, failures, measured: { "became full": full } } satisfies Outcome
})

const fillOne = Effect.fn("FullDisk.one")(function*(place: Place, leftKib: number, seed: number) {
  const machine = yield* makeMachine
  yield* fillMaildir(machine, { count: FIRST_MAILS, seed })
  const more = join(machine.folder, "more")
  for (const folder of ["tmp", "new"]) fs.mkdirSync(join(more, folder), { recursive: true })
  for (let mail = 0; mail < MORE_MAILS; mail++) deliverLarge(more, seed * 1_000 + mail, MAIL_WORDS)
  for (let mail = MORE_MAILS; mail < MORE_MAILS + LARGE_MAILS; mail++) deliverLarge(more, seed * 1_000 + mail)
  const vault = place === "target" ? join(machine.folder, "small", "vault") : machine.vault
  const steps = yield* inSmall(
    machine,
    DISK_KIB,
    `${place === "home" ? "export SEALOG_HOME=small/home" : ""}
     ${initLine(machine, vault)}
     sealog sync --json
     mv more/new/* '${machine.mail}/new/'
     left=$(df -k --output=avail small | tail -n 1)
     head -c $(((left - ${leftKib}) * 1024)) /dev/zero > small/other
     sealog sync --json
     sealog status --json
     sealog log --json
     rm small/other
     sealog sync --json
     sealog log --json
     sealog verify --read-data --json`
  )
  return { findings: findingsOf(machine, place, steps), wasFull: steps[2]!.code !== 0 }
})

const findingsOf = (machine: Machine, place: Place, steps: ReadonlyArray<Step>): ReadonlyArray<string> => {
  const [init, first, filled, status, log, again, last, verified] = steps as unknown as ReadonlyArray<Step> & {
    readonly length: 8
  }
  const found: Array<string> = []
  const ends = (what: string, step: Step | undefined, ...codes: ReadonlyArray<number>) => {
    if (step !== undefined && codes.includes(step.code)) return
    found.push(`${what} ended with ${step?.code}: ${step?.out.slice(0, WORDS)}`)
  }
  ends("init", init, 0)
  ends("the first sync", first, 0)
  ends("a sync on the full disk", filled, 0, place === "home" ? 15 : 3)
  ends("status", status, 0)
  ends("log", log, 0)
  ends("the sync once there was space", again, 0)
  ends("the log then", last, 0)
  ends("verify", verified, 0)
  if (found.length > 0) return found
  if (filled!.code !== 0) found.push(...misnamed(place, filled!))
  const confirmed = linesOf(log!)
  const lines = linesOf(last!)
  const messages = FIRST_MAILS + MORE_MAILS + LARGE_MAILS
  if (confirmed.length < FIRST_MAILS) found.push(`of ${FIRST_MAILS} confirmed events, log shows ${confirmed.length}`)
  if (confirmed.some((line, at) => JSON.stringify(line) !== JSON.stringify(lines[at]))) found.push("log changed")
  found.push(...doubled(lines))
  const added = lines.filter(({ kind }) => kind === "message.added").length
  if (added !== messages) found.push(`${added} of ${messages} messages of ${machine.mail} are recorded`)
  return found
}

/** Whether it is said what is full. */
const misnamed = (place: Place, { out }: Step): ReadonlyArray<string> => {
  const report = JSON.parse(out) as {
    readonly reason?: string
    readonly targets?: ReadonlyArray<{ readonly state: string; readonly error?: { readonly reason: string } }>
  }
  const [target] = report.targets ?? []
  const isSaid = place === "home"
    ? report.reason === "NoSpace"
    : target?.state === "full" && target.error?.reason === "TargetFull"
  return isSaid ? [] : [`it is not said what is full: ${out.slice(0, WORDS)}`]
}

const linesOf = ({ out }: Step): ReadonlyArray<Record<string, unknown>> =>
  out.trimEnd().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))

/** Characters of what was said that stand in a failure. */
const WORDS = 400
