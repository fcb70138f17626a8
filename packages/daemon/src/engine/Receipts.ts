/**
 * Receipts of drills: one file each in `receipts/`, each naming the one before it and sealed with a MAC under the
 * vault's receipt key, so that a history of passed drills cannot be made up or thinned out afterwards.
 */
import { FileSystem } from "@effect/platform"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { Effect, Option, Redacted, Schema } from "effect"
import { Buffer } from "node:buffer"
import { createHash, createHmac, timingSafeEqual } from "node:crypto"
import { EngineFailure } from "../Engine.ts"
import { Home, homeError, replaceFile } from "../Home.ts"
import * as Reports from "../Reports.ts"

const json = Schema.parseJson(Reports.DrillReport, { space: 2 })
const encode = Schema.encode(json)
const decode = Schema.decode(json)

/** Adds the chain and the MAC to a receipt and keeps it; gives it back as it is kept. */
export const keepReceipt = Effect.fn("Receipts.keep")(function*(ring: KeyRingShape, receipt: Reports.DrillReport) {
  const home = yield* Home
  const names = yield* receiptNames()
  const newest = names.at(-1)
  const previous = newest === undefined ? {} : { previous: sha256(yield* readText(`${home.receipts}/${newest}`)) }
  const chained = { ...receipt, ...previous }
  const sealed = { ...chained, mac: macOf(ring, chained) }
  const text = yield* Effect.orDie(encode(sealed))
  yield* replaceFile(`${home.receipts}/${nameOf(receipt, names.length)}`, `${text}\n`)
  return sealed
})

/** Every receipt that can be read, newest first. */
export const history = Effect.fn("Receipts.history")(function*() {
  const home = yield* Home
  const names = yield* receiptNames()
  const drills: Array<Reports.LastDrill> = []
  for (const name of names.toReversed()) {
    const receipt = yield* Effect.option(Effect.flatMap(readText(`${home.receipts}/${name}`), decode))
    if (Option.isSome(receipt)) drills.push(summaryOf(receipt.value, name))
  }
  return Reports.DrillHistoryReport.make({ drills })
})

export const lastDrillOf = Effect.fn("Receipts.lastDrill")(function*() {
  const { drills } = yield* history()
  return Option.fromNullable(drills[0])
})

/** Whether a file is a receipt that this vault's key made, and what it says. */
export const verifyReceipt = Effect.fn("Receipts.verify")(function*(ring: KeyRingShape, file: string) {
  const receipt = yield* readText(file).pipe(
    Effect.flatMap(decode),
    Effect.catchTag(
      "ParseError",
      (cause) => new EngineFailure({ reason: "NotAReceipt", method: "drillVerify", subject: file, cause })
    )
  )
  const { mac, ...rest } = receipt
  const expected = Buffer.from(macOf(ring, rest), "hex")
  const given = Buffer.from(mac ?? "", "hex")
  const authentic = given.length === expected.length && timingSafeEqual(given, expected)
  return Reports.DrillVerifyReport.make({
    file,
    authentic,
    receipt: authentic ? summaryOf(receipt, file) : null,
    findings: authentic ? receipt.findings : []
  })
})

const summaryOf = (receipt: Reports.DrillReport, file: string): Reports.LastDrill => ({
  at: receipt.at,
  outcome: receipt.outcome,
  mode: receipt.mode,
  target: receipt.target.name,
  treeSize: receipt.treeSize,
  findings: receipt.findings.length,
  rtoSeconds: receipt.rtoSeconds,
  receipt: file
})

/** Over every field but the MAC itself, with sorted names. */
const macOf = (ring: KeyRingShape, receipt: Omit<Reports.DrillReport, "mac">): string => {
  const key = ring.key(ring.newest, "receipt")
  if (key === undefined) throw new RangeError("a key ring holds its newest epoch")
  return createHmac("sha256", Redacted.value(key)).update(stable(receipt)).digest("hex")
}

const stable = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item)

const nameOf = (receipt: Reports.DrillReport, count: number): string =>
  `${receipt.at.replaceAll(/[:.]/gu, "-")}-${String(count).padStart(5, "0")}.json`

/** Oldest first: names begin with the time. */
const receiptNames = Effect.fn("Receipts.names")(function*() {
  const home = yield* Home
  const fs = yield* FileSystem.FileSystem
  const there = yield* Effect.mapError(fs.exists(home.receipts), (cause) => homeError(cause, "receipts", home.receipts))
  if (!there) return []
  const names = yield* Effect.mapError(
    fs.readDirectory(home.receipts),
    (cause) => homeError(cause, "receipts", home.receipts)
  )
  return names.filter((name) => name.endsWith(".json")).toSorted()
})

const readText = Effect.fn("Receipts.read")(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.mapError(fs.readFileString(path), (cause) => homeError(cause, "receipts", path))
})

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")
