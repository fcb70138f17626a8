/**
 * The little typography a terminal has: weight, five colours, columns. Without colours every function gives its text
 * back as it is.
 */

export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly warn: (text: string) => string
  readonly bad: (text: string) => string
}

const paint = (open: number, close: number) => (text: string) => `\u001b[${open}m${text}\u001b[${close}m`
const plain = (text: string) => text

export const makeStyle = (colours: boolean): Style =>
  colours
    ? { bold: paint(1, 22), dim: paint(2, 22), good: paint(32, 39), warn: paint(33, 39), bad: paint(31, 39) }
    : { bold: plain, dim: plain, good: plain, warn: plain, bad: plain }

const ESCAPES = /\u001b\[\d+m/gu

/** How many cells a text takes: near enough for names and numbers. */
export const width = (text: string): number => [...text.replace(ESCAPES, "").normalize("NFC")].length

export interface Column {
  readonly align?: "right"
}

/** Rows in columns as wide as their widest cell, two spaces apart, each line indented. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>, columns: ReadonlyArray<Column> = []): string => {
  const widths: Array<number> = []
  for (const row of rows) row.forEach((cell, at) => widths[at] = Math.max(widths[at] ?? 0, width(cell)))
  return rows.map((row) => {
    const cells = row.map((cell, at) => {
      const space = " ".repeat((widths[at] ?? 0) - width(cell))
      return columns[at]?.align === "right" ? space + cell : cell + space
    })
    return `  ${cells.join("  ")}`.trimEnd()
  }).join("\n")
}

/** Text from elsewhere (names, messages) on a terminal: what would move the cursor or colour the line is shown, not done. */
export const safe = (text: string): string =>
  text.replace(
    /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/gu,
    (letter) => letter === "\n" || letter === "\t" ? " " : `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`
  )
