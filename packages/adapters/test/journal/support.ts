/** What tests of journals share: a vault's keys, a folder, and a journal in it. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Entropy from "@sealog/core/keys/Entropy"
import { KeyRing, makeKeyRing } from "@sealog/core/keys/KeyRing"
import { JournalUnderTest } from "@sealog/core/testing/JournalContract"
import { Effect, Layer, Redacted } from "effect"
import { createLevelJournal, type LevelJournalOptions, openLevelJournal } from "../../src/journal/Level.ts"
import { freshFolder } from "../support.ts"

/** The key ring of a test vault with as many epochs. */
export const ringOf = (epochs: number, fill = 1) =>
  makeKeyRing({
    vaultId: new Uint8Array(32).fill(fill),
    epochs: new Map(
      Array.from({ length: epochs }, (_, epoch) => [epoch, Redacted.make(new Uint8Array(32).fill(epoch + fill))])
    )
  })

export const keys = Layer.succeed(KeyRing, ringOf(1))

/** All that a journal needs beside its folder. */
export const services = Layer.mergeAll(NodeFileSystem.layer, Entropy.layer, keys)

/** An empty journal in a fresh folder; without reserved space, which costs more than everything else here. */
export const freshJournal = Effect.fn("test.freshJournal")(function*(options?: Partial<LevelJournalOptions>) {
  const path = `${yield* freshFolder}/journal`
  yield* createLevelJournal({ path, ballastBytes: 0, ...options })
  return path
})

export const openFresh = Effect.flatMap(freshJournal(), (path) => openLevelJournal({ path, ballastBytes: 0 }))

export const levelUnderTest = Layer.scoped(
  JournalUnderTest,
  Effect.gen(function*() {
    const path = yield* freshJournal()
    return { open: Effect.provide(openLevelJournal({ path, ballastBytes: 0 }), services) }
  })
).pipe(Layer.provide(services))
