/**
 * What a person sees of `npm start`: numbered steps, the commands as they were run, facts in two columns. Colours on
 * a terminal without NO_COLOR; anywhere else the same text without them.
 */
import { makeStyle, safe, width } from "@sealog/daemon/present/Style"

export interface Screen {
  readonly title: (text: string, lines: ReadonlyArray<string>) => void
  /** Begins a step, with the next number. */
  readonly step: (title: string) => void
  /** A command as it was run. */
  readonly command: (text: string) => void
  readonly fact: (label: string, value: string) => void
  /** A fact that was checked and holds. */
  readonly proof: (label: string, value: string) => void
  readonly table: (
    heads: ReadonlyArray<string>,
    rows: ReadonlyArray<ReadonlyArray<string>>,
    rightAligned?: ReadonlyArray<number>
  ) => void
  /** Sentences, or the program's own words. */
  readonly text: (text: string) => void
  readonly failure: (text: string) => void
}

/** Cells before the second column. */
const LABEL_CELLS = 27
const INDENT = "   "
/** The length of a command's line. */
const COMMAND_CELLS = 74

export const makeScreen = (stream: NodeJS.WriteStream): Screen => {
  const colours = stream.isTTY && (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb"
  const style = makeStyle(colours)
  let steps = 0
  const print = (line: string) => void stream.write(line === "" ? "\n" : `${INDENT}${line}\n`)
  const labelled = (label: string, value: string) => {
    const [first = "", ...more] = value.split("\n")
    print(`${style.dim(pad(label, LABEL_CELLS))}${first}`)
    for (const line of more) print(`${" ".repeat(LABEL_CELLS)}${line}`)
  }
  return {
    title: (text, lines) => {
      stream.write(`\n${style.bold(text)}\n\n`)
      for (const line of lines) print(line)
    },
    step: (title) => void stream.write(`\n${style.bold(`${String(++steps).padStart(2)} ${title}`)}\n\n`),
    command: (text) => wrap(`$ ${safe(text)}`).forEach((line) => print(style.dim(line))),
    fact: labelled,
    proof: (label, value) => labelled(label, `${style.good("✓")} ${value}`),
    table: (heads, rows, rightAligned = []) => {
      const [first = "", ...lines] = columns([heads, ...rows], rightAligned)
      print(style.dim(first))
      for (const line of lines) print(line)
    },
    text: (text) => {
      for (const line of text.split("\n")) print(line)
    },
    failure: (text) => void stream.write(`\n${style.bad("npm start failed:")} ${text}\n`)
  }
}

const columns = (rows: ReadonlyArray<ReadonlyArray<string>>, rightAligned: ReadonlyArray<number>) => {
  const cells = (at: number) => Math.max(0, ...rows.map((row) => width(row[at] ?? "")))
  return rows.map((row) =>
    row.map((cell, at) => {
      const space = " ".repeat(cells(at) - width(cell))
      return rightAligned.includes(at) ? `${space}${cell}` : `${cell}${space}`
    }).join("  ").trimEnd()
  )
}

/** A long command goes on after a backslash, as it would be typed; only before a flag. */
const wrap = (command: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const part of command.split(/ (?=--)/u)) {
    if (line !== "" && width(`${line} ${part}`) > COMMAND_CELLS) {
      lines.push(`${line} \\`)
      line = `    ${part}`
    } else line = line === "" ? part : `${line} ${part}`
  }
  return [...lines, line]
}

const pad = (text: string, cells: number): string => `${text}${" ".repeat(Math.max(1, cells - width(text)))}`
