/**
 * What a run of Stryker came to, from its report in JSON: how each file fared, and each mutant that no test noticed by
 * the text it stands for, since lines move.
 */
import { Schema } from "effect"

/** As much of the report of Stryker as is read here (mutation-testing-report-schema, version 2). */
const Report = Schema.parseJson(Schema.Struct({
  files: Schema.Record({
    key: Schema.String,
    value: Schema.Struct({
      source: Schema.String,
      mutants: Schema.Array(Schema.Struct({
        mutatorName: Schema.String,
        replacement: Schema.optional(Schema.String),
        status: Schema.Literal(
          "Killed",
          "Timeout",
          "Survived",
          "NoCoverage",
          "Ignored",
          "RuntimeError",
          "CompileError"
        ),
        /** How a test failed, where one did. */
        statusReason: Schema.optional(Schema.String),
        location: Schema.Struct({ start: place(), end: place() })
      }))
    })
  })
}))

export const FileCount = Schema.Struct({
  file: Schema.String,
  killed: Schema.Int,
  timedOut: Schema.Int,
  survived: Schema.Int,
  /** Survived too: no test even comes by. */
  uncovered: Schema.Int,
  /** Texts for people, which are not mutated; not counted. */
  ignored: Schema.Int,
  /** The mutant could not be run at all; not counted. */
  broken: Schema.Int
})
export type FileCount = typeof FileCount.Type

export interface Outcome {
  readonly files: ReadonlyArray<FileCount>
  /** As `src/File.ts | Mutator | what stands there → what stood there instead`. */
  readonly survivors: ReadonlyArray<string>
}

export const readReport = (json: string): Outcome => {
  const { files } = Schema.decodeUnknownSync(Report)(json)
  const sorted = Object.entries(files).toSorted(([a], [b]) => a < b ? -1 : 1)
  return {
    files: sorted.map(([file, { mutants }]) => {
      const count = (...of: ReadonlyArray<string>) => mutants.filter(({ status }) => of.includes(status)).length
      const late = mutants.filter(({ status, statusReason = "" }) =>
        status === "Killed" && statusReason.startsWith("Test timed out")
      ).length
      return {
        file,
        killed: count("Killed") - late,
        timedOut: count("Timeout") + late,
        survived: count("Survived"),
        uncovered: count("NoCoverage"),
        ignored: count("Ignored"),
        broken: count("RuntimeError", "CompileError")
      }
    }),
    survivors: sorted.flatMap(([file, { mutants, source }]) =>
      mutants
        .filter(({ status }) => status === "Survived" || status === "NoCoverage")
        .toSorted((a, b) => a.location.start.line - b.location.start.line)
        .map(({ location, mutatorName, replacement = "" }) =>
          `${file} | ${mutatorName} | ${oneLine(textAt(source, location))} → ${oneLine(replacement)}`
        )
    )
  }
}

const detected = (counts: ReadonlyArray<FileCount>): number =>
  counts.reduce((sum, { killed, timedOut }) => sum + killed + timedOut, 0)

export const mutantsOf = (counts: ReadonlyArray<FileCount>): number =>
  counts.reduce((sum, { survived, uncovered }) => sum + survived + uncovered, detected(counts))

/** Of 100 mutants, how many a test noticed. */
export const scoreOf = (counts: ReadonlyArray<FileCount>): number => 100 * detected(counts) / mutantsOf(counts)

interface Place {
  readonly line: number
  readonly column: number
}

function place() {
  return Schema.Struct({ line: Schema.Int, column: Schema.Int })
}

const textAt = (source: string, { end, start }: { readonly start: Place; readonly end: Place }): string => {
  const lines = source.split("\n").slice(start.line - 1, end.line)
  const last = lines.length - 1
  return lines
    .map((line, at) => line.slice(at === 0 ? start.column - 1 : 0, at === last ? end.column - 1 : line.length))
    .join("\n")
}

/** A survivor in its parts. */
export const partsOf = (survivor: string) => {
  const [file = "", mutator = "", ...rest] = survivor.split(" | ")
  const [original = "", mutated = ""] = rest.join(" | ").split(" → ")
  return { file, mutator, original, mutated }
}

/** Short enough for a list; enough to find the place by. */
const oneLine = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ").trim()
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}…`
}

const LONGEST = 120
