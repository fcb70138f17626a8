/**
 * Both journals keep the journal contract, alone and behind a wrapper.
 * Verifies: JRNL-1, JRNL-2, JRNL-3, JRNL-4, JRNL-5, JRNL-6
 */
import { describe, it } from "@effect/vitest"
import { makeMemoryDisk, openMemoryJournal } from "@sealog/adapters/journal/Memory"
import type { JournalShape } from "@sealog/core/backup/Journal"
import { register } from "@sealog/core/testing/Contract"
import { journalContract, JournalUnderTest } from "@sealog/core/testing/JournalContract"
import { Context, Effect, Layer, Stream } from "effect"
import { levelUnderTest, services } from "./support.ts"

const memoryUnderTest = Layer.effect(
  JournalUnderTest,
  Effect.gen(function*() {
    const disk = yield* makeMemoryDisk
    return { open: Effect.provide(openMemoryJournal(disk), services) }
  })
).pipe(Layer.provide(services))

/** As instrumentation would wrap it: every verb through another function. */
const wrapped = (journal: JournalShape): JournalShape => ({
  ...journal,
  append: (entry) => Effect.withSpan(journal.append(entry), "append"),
  blocks: (range) => Stream.withSpan(journal.blocks(range), "blocks"),
  fork: (options) => Effect.withSpan(journal.fork(options), "fork"),
  state: (source) => Effect.withSpan(journal.state(source), "state")
})

const wrappedUnderTest = Layer.map(
  levelUnderTest,
  (context) => JournalUnderTest.context({ open: Effect.map(Context.get(context, JournalUnderTest).open, wrapped) })
)

const subjects = { memory: memoryUnderTest, level: levelUnderTest, "level behind a wrapper": wrappedUnderTest }

for (const [name, layer] of Object.entries(subjects)) {
  register({ describe, it }, journalContract, { name, layer, capabilities: new Set<never>() })
}
