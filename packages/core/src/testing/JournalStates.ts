/** What a journal promises about what sources remember, and about notes. */
import { Effect } from "effect"
import type { StateDelta } from "../backup/Journal.ts"
import { promiseSame } from "./Contract.ts"
import { clause, stateIs } from "./JournalClauses.ts"
import { EntryMaker } from "./JournalEntries.ts"

export const remembering = [
  clause("folds changes into what a source remembers", (journal) =>
    Effect.gen(function*() {
      const maker = new EntryMaker()
      const add = (delta: StateDelta) =>
        Effect.flatMap(maker.entry(1, { states: [{ source: "s", delta }] }), journal.append)
      yield* add([["a", "1"], ["b", "2"]])
      yield* add([["a", "3"], ["c", "4"]])
      yield* add([["b", undefined], ["never", undefined]])
      yield* stateIs(journal, "s", [["a", "3"], ["c", "4"]])
    })),
  clause("keeps what several sources remember apart", (journal) =>
    Effect.gen(function*() {
      const states = ["a", "b", "", "ü/\u0000 odd"].map((source) => ({
        source,
        delta: [["k", source]] satisfies StateDelta
      }))
      yield* journal.append(yield* new EntryMaker().entry(1, { states }))
      for (const { delta, source } of states) yield* stateIs(journal, source, delta)
      yield* stateIs(journal, "c", [])
    })),
  clause("keeps every text as it is", (journal) =>
    Effect.gen(function*() {
      const delta: StateDelta = [["", ""], ["\u0000", "\uFFFD"], ["😀", "é"], ["long", "x".repeat(100_000)]]
      yield* journal.remember("s", delta)
      yield* stateIs(journal, "s", delta)
    })),
  clause("remembers without an event", (journal) =>
    Effect.gen(function*() {
      yield* journal.remember("s", [["a", "1"], ["b", "2"]])
      yield* journal.remember("s", [["a", undefined]])
      yield* stateIs(journal, "s", [["b", "2"]])
      yield* promiseSame((yield* journal.head).size, 0, "the size")
    })),
  clause("replaces all that a source remembers", (journal) =>
    Effect.gen(function*() {
      yield* journal.remember("s", [["a", "1"], ["b", "2"]])
      yield* journal.replaceState("s", new Map([["b", "3"], ["c", "4"]]))
      yield* journal.remember("s", [["d", "5"]])
      yield* stateIs(journal, "s", [["b", "3"], ["c", "4"], ["d", "5"]])
      yield* journal.replaceState("s", new Map())
      yield* stateIs(journal, "s", [])
    })),
  clause("gives out a copy of what a source remembers", (journal) =>
    Effect.gen(function*() {
      yield* journal.remember("s", [["a", "1"]])
      new Map(yield* journal.state("s")).clear()
      yield* stateIs(journal, "s", [["a", "1"]])
    })),
  clause("remembers 20,000 entries", (journal) =>
    Effect.gen(function*() {
      const table = new Map(Array.from({ length: 20_000 }, (_, n) => [`key ${n}`, `value ${n}`]))
      yield* journal.replaceState("s", table)
      yield* promiseSame((yield* journal.state("s")).size, 20_000, "entries")
    }))
]

export const noting = [
  clause("overwrites a note as a whole", (journal) =>
    Effect.gen(function*() {
      yield* journal.writeNote("n", "first and longer")
      yield* journal.writeNote("n", "second")
      yield* promiseSame(yield* journal.readNote("n"), "second", "the note")
    })),
  clause("keeps notes of any name and text apart", (journal) =>
    Effect.gen(function*() {
      const names = ["a", "", "a/b", "ü \u0000", "x".repeat(1000)]
      for (const name of names) yield* journal.writeNote(name, `text of ${name}`)
      yield* journal.writeNote("long", "é".repeat(500_000))
      for (const name of names) yield* promiseSame(yield* journal.readNote(name), `text of ${name}`, name)
      yield* promiseSame((yield* journal.readNote("long"))?.length, 500_000, "the long one")
      yield* promiseSame(yield* journal.readNote("b"), undefined, "one never written")
    }))
]
