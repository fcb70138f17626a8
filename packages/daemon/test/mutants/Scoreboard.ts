/**
 * What became of the mutants of each group, kept as JSON beside the document that shows it. The document is made from
 * the JSON and from the explanations, and from nothing else.
 */
import { Schema } from "effect"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import { explanations } from "./explanations.ts"
import { FileCount, mutantsOf, scoreOf, Survivor } from "./Survivors.ts"

const docs = new URL("../../../../docs/", import.meta.url)
const resultsFile = fileURLToPath(new URL("mutants.json", docs))
export const documentFile = fileURLToPath(new URL("mutants.md", docs))

/** In the order of the document. */
export const groupNames = ["codec", "log", "keys", "segment", "journal", "shipper"] as const

const Group = Schema.Struct({
  group: Schema.Literal(...groupNames),
  date: Schema.String,
  files: Schema.Array(FileCount),
  survivors: Schema.Array(Survivor)
})
export type Group = typeof Group.Type

const Groups = Schema.parseJson(Schema.Array(Group))

export const readGroups = (): ReadonlyArray<Group> =>
  fs.existsSync(resultsFile) ? Schema.decodeSync(Groups)(fs.readFileSync(resultsFile, "utf8")) : []

/** Puts new results in the place of older ones of the same groups, and makes the document of all. */
export const writeGroups = (fresh: ReadonlyArray<Group>): void => {
  const kept = readGroups().filter(({ group }) => !fresh.some((each) => each.group === group))
  const all = [...kept, ...fresh].toSorted((a, b) => groupNames.indexOf(a.group) - groupNames.indexOf(b.group))
  fs.writeFileSync(resultsFile, jsonOf(all))
  fs.writeFileSync(documentFile, documentOf(all))
}

/** A line for each file and each survivor, so that a change of one shows as one. */
const jsonOf = (groups: ReadonlyArray<Group>): string => {
  const list = (items: ReadonlyArray<unknown>) =>
    items.length === 0 ? "[]" : `[\n      ${items.map((item) => JSON.stringify(item)).join(",\n      ")}\n    ]`
  const bodies = groups.map(({ date, files, group, survivors }) =>
    [
      "  {",
      `    "group": ${JSON.stringify(group)},`,
      `    "date": ${JSON.stringify(date)},`,
      `    "files": ${list(files)},`,
      `    "survivors": ${list(survivors)}`,
      "  }"
    ].join("\n")
  )
  return `[\n${bodies.join(",\n")}\n]\n`
}

export const documentOf = (groups: ReadonlyArray<Group>): string => {
  const survivors = groups.flatMap((group) => group.survivors)
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
    ...groups.map(({ date, files, group }) => row(group, files, date)),
    row("**all**", groups.flatMap(({ files }) => files), ""),
    "",
    "## By file",
    "",
    "| File | Mutants | Killed | Timed out | Survived | Unreached | Score |",
    "| - | - | - | - | - | - | - |",
    ...groups.flatMap(({ files }) => files.map((file) => row(`\`${file.file}\``, [file]))),
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
        ...ofKind.flatMap(({ found, why }) => [`- ${why}`, ...found.map(lineOf)]),
        ""
      ]
    }),
    ...(unexplained.length === 0 ? [] : ["### Unexplained", "", ...unexplained.map((each) => lineOf(each).trim()), ""])
  ].join("\n")
}

const row = (name: string, files: ReadonlyArray<FileCount>, date?: string): string => {
  const sum = (of: (file: FileCount) => number) => files.reduce((all, file) => all + of(file), 0)
  const cells = [
    name,
    mutantsOf(files),
    sum(({ killed }) => killed),
    sum(({ timedOut }) => timedOut),
    sum(({ survived }) => survived),
    sum(({ uncovered }) => uncovered),
    mutantsOf(files) === 0 ? "" : `${scoreOf(files).toFixed(1)} %`
  ]
  return `| ${(date === undefined ? cells : [...cells, date]).join(" | ")} |`
}

const lineOf = ({ file, mutated, mutator, original }: Survivor): string =>
  `  - \`${file.split("/").at(-1)}\`, ${mutator}: ${code(original)} → ${code(mutated)}`

/** In as many backticks as it takes. */
const code = (text: string): string => {
  const fence = "`".repeat(1 + Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length)))
  return text === "" ? "nothing" : fence.length === 1 ? `\`${text}\`` : `${fence} ${text} ${fence}`
}
