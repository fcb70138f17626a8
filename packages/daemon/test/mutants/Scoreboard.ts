/**
 * What became of the mutants of each group, as JSON and as the document made from it and from the explanations.
 */
import { Schema } from "effect"
import { Circumstances, makeLedger, tableLine } from "../support/Ledger.ts"
import { explanations } from "./explanations.ts"
import { FileCount, mutantsOf, partsOf, scoreOf } from "./Survivors.ts"

/** As in `.ci/mutants/groups.mjs`, in the order of the document. */
export const groups = ["codec", "log", "keys", "segment", "journal", "shipper"].map((name) => ({ name }))

const Group = Schema.Struct({
  row: Schema.String,
  files: Schema.Array(FileCount),
  survivors: Schema.Array(Schema.String),
  ...Circumstances.fields
})
export type Group = typeof Group.Type

export const documentOf = (results: ReadonlyArray<Group>): string => {
  const survivors = results.flatMap((group) => group.survivors)
  const explained = explanations.map((each) => ({ ...each, found: survivors.filter(each.covers) }))
  const unexplained = survivors.filter((survivor) => !explanations.some(({ covers }) => covers(survivor)))
  const kinds = [...new Set(explanations.map(({ kind }) => kind))]
  return [
    "# Mutants",
    "",
    "How many faults put into the code on purpose the tests notice. Made by `npm run mutants -- --write` from the reports",
    "of [Stryker](https://stryker-mutator.io), of which [mutants.json](mutants.json) keeps the counts and every survivor;",
    "the explanations stand in `packages/daemon/test/mutants/explanations.ts`, and nothing here is written by hand. One",
    "group is run with `npm run mutants -- GROUP`. It takes minutes a group, so neither `npm test` nor `.ci/run` runs it.",
    "",
    "The tests of whole processes, which kill and restart the program, take no part: they are too slow for thousands of",
    "runs. Not mutated, and not counted, are names of spans and texts of errors, which snapshots hold; reasons of errors",
    "and labels of keys are. A mutant that makes a loop endless is noticed by the time it takes.",
    "",
    "| Group | Mutants | Killed | Timed out | Survived | Unreached | Score | Date |",
    "| - | - | - | - | - | - | - | - |",
    ...groups.map(({ name }) => {
      const result = results.find(({ row }) => row === name)
      return result === undefined
        ? tableLine([name, "not run", ...Array.from({ length: 6 }, () => NONE)])
        : tableLine([...cellsOf(name, result.files), result.date])
    }),
    tableLine([...cellsOf("**all**", results.flatMap(({ files }) => files)), NONE]),
    "",
    "## By file",
    "",
    "| File | Mutants | Killed | Timed out | Survived | Unreached | Score |",
    "| - | - | - | - | - | - | - |",
    ...results.flatMap(({ files }) => files.map((file) => tableLine(cellsOf(`\`${file.file}\``, [file])))),
    "",
    "## Survivors",
    "",
    `${survivors.length}, of which ${unexplained.length} are not explained.`,
    "",
    ...kinds.flatMap((kind) => {
      const ofKind = explained.filter((each) => each.kind === kind && each.found.length > 0)
      return ofKind.length === 0 ? [] : [
        `### ${kind}`,
        "",
        ...ofKind.flatMap(({ found, why }) => [`- ${why}`, ...found.map((survivor) => `  ${lineOf(survivor)}`)]),
        ""
      ]
    }),
    ...(unexplained.length === 0 ? [] : ["### Unexplained", "", ...unexplained.map(lineOf), ""])
  ].join("\n")
}

const NONE = "–"

const cellsOf = (name: string, files: ReadonlyArray<FileCount>): ReadonlyArray<string> => {
  const sum = (of: (file: FileCount) => number) => files.reduce((all, file) => all + of(file), 0)
  const counts = [
    mutantsOf(files),
    sum(({ killed }) => killed),
    sum(({ timedOut }) => timedOut),
    sum(({ survived }) => survived),
    sum(({ uncovered }) => uncovered)
  ]
  const score = mutantsOf(files) === 0 ? NONE : `${scoreOf(files).toFixed(1)} %`
  return [name, ...counts.map((count) => count.toLocaleString("en")), score]
}

const lineOf = (survivor: string): string => {
  const { file, mutated, mutator, original } = partsOf(survivor)
  return `- \`${file.split("/").at(-1)}\`, ${mutator}: ${code(original)} → ${code(mutated)}`
}

/** In as many backticks as it takes. */
const code = (text: string): string => {
  const fence = "`".repeat(1 + Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length)))
  if (/^`*$/.test(text)) return text === "" ? "nothing" : "an empty text"
  return fence.length === 1 ? `\`${text}\`` : `${fence} ${text} ${fence}`
}

export const { documentFile, read: readGroups, write: writeGroups } = makeLedger({
  name: "mutants",
  result: Group,
  rows: groups,
  documentOf
})
