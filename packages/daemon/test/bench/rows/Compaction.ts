/**
 * Ten thousand single messages, each shipped by itself: what a chat of an hour each day makes in a year. The real
 * capture, shipper and compaction, over a journal and a target in memory that counts what is put there.
 */
import { makeMemoryDisk, openMemoryJournal } from "@sealog/adapters/journal/Memory"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { HeadPin, layerMemory } from "@sealog/core/backup/HeadPin"
import type { StorageShape } from "@sealog/core/backup/Storage"
import * as Entropy from "@sealog/core/keys/Entropy"
import { KeyRing } from "@sealog/core/keys/KeyRing"
import { Effect } from "effect"
import { firstPin, type Parts, ring, sessionOf } from "../Pipeline.ts"
import type { Asked, Reading, Row, Scenario } from "../Row.ts"
import { makeSynthetic } from "../Synthetic.ts"

const REPORT_EVERY = 2_000

const measure = Effect.fn("bench.compaction")(function*({ say, seed, ships }: Asked) {
  let written = 0
  const objects = new Map<string, Uint8Array>()
  // The most there are between two compactions.
  let most = 0
  const vault = yield* makeMemory({ objects })
  const counting: StorageShape = {
    ...vault,
    put: (name, bytes) =>
      Effect.tap(vault.put(name, bytes), () =>
        Effect.sync(() => {
          written += bytes.length
          most = Math.max(most, objects.size)
        }))
  }
  let count = 0
  let shipped = 0
  const source = makeSynthetic({ seed, count: () => count })
  const parts = yield* openInMemory(counting)
  const { backup } = yield* sessionOf(parts, source)
  const from = performance.now()
  while (count < ships) {
    count++
    yield* backup.capture(source)
    shipped += (yield* backup.shipTo(parts.target)).bytes
    if (count % REPORT_EVERY === 0) say(`${count.toLocaleString("en")} ships`)
  }
  const millis = (performance.now() - from) / ships
  const bytes = [...objects.values()].reduce((sum, { length }) => sum + length, 0)
  const beside = { ships: ships.toLocaleString("en") }
  return new Map<string, Reading>([
    ["compaction-objects", {
      own: [objects.size],
      beside: { ...beside, "at the most": most, "one ship": `${millis.toFixed(1)} ms` }
    }],
    ["compaction-writes", { own: [written / shipped], beside: { ...beside, "for each byte there": written / bytes } }]
  ])
}, Effect.provide(Entropy.layer))

const openInMemory = Effect.fn("bench.openInMemory")(function*(vault: StorageShape) {
  const journal = yield* Effect.flatMap(makeMemoryDisk, openMemoryJournal)
  const pin = yield* Effect.provide(HeadPin, layerMemory(yield* firstPin(journal)))
  return { journal, local: yield* makeMemory(), target: { name: "memory", storage: vault }, pin } satisfies Parts
}, Effect.provideService(KeyRing, ring))

const scenario: Scenario = { name: "compaction", title: "A year of single messages", sizes: ["ships"], measure }

export const compactionRows: ReadonlyArray<Row> = [
  {
    name: "compaction-objects",
    work: "Objects after 10,000 single messages",
    how: "all objects at the target, each message shipped by itself",
    unit: "count",
    bounds: { on: "figure", must: 80 },
    scenario
  },
  {
    name: "compaction-writes",
    work: "Write amplification of compaction",
    how: "bytes put in all, for each byte that shipping alone puts",
    unit: "times",
    bounds: { on: "figure" },
    scenario
  }
]
