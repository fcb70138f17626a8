/**
 * What all lines of all files come to, without holding more of a message than what is remembered of it: a first
 * reading settles each message's state and which line has its text, a second one picks up the texts.
 */
import type { SourceError } from "@sealog/core/backup/Source"
import type { Message } from "@sealog/core/message/Event"
import { Effect } from "effect"
import { LineReader, type RawLine, type Root, type StoreFile } from "./JsonlFiles.ts"
import { type BadLine, type Line, parseLine } from "./JsonlLine.ts"
import { after, factsOf, finished, type Known } from "./JsonlTable.ts"

export interface Final {
  readonly known: Known
  /** The line with the message's text. */
  readonly file: number
  readonly offset: number
}

export interface Fold {
  readonly messages: ReadonlyMap<string, Final>
  /** Lines that could not be understood: `file:line`, and why. */
  readonly bad: ReadonlyMap<string, string>
  /** How far each file was read. */
  readonly positions: ReadonlyArray<{ readonly offset: number; readonly lines: number }>
}

/** Reads one file's lines, a piece at a time. */
export type ReadFile = (
  file: StoreFile,
  from: { readonly offset: number; readonly lines: number },
  limit: number,
  use: (lines: ReadonlyArray<RawLine>) => void
) => Effect.Effect<{ readonly offset: number; readonly lines: number }, SourceError>

export const fold = Effect.fn("JsonlFold.fold")(function*(read: ReadFile, files: ReadonlyArray<StoreFile>) {
  const messages = new Map<string, Final>()
  const bad = new Map<string, string>()
  const positions: Array<{ readonly offset: number; readonly lines: number }> = []
  for (const [file, { name, size }] of files.entries()) {
    const use = (lines: ReadonlyArray<RawLine>) => {
      for (const { bytes, number, offset } of lines) {
        const line = lineIn(bytes)
        if (line === undefined) continue
        if (line.op === "bad") bad.set(`${name}:${number}`, line.reason)
        else take(messages, line, file, offset)
      }
    }
    positions.push(yield* read(files[file]!, START, size, use))
  }
  const result: Fold = { messages, bad, positions }
  return result
})

/** A blank line says nothing, which is no mistake. */
export const lineIn = (bytes: Uint8Array): Line | BadLine | undefined =>
  bytes.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09) ? undefined : parseLine(bytes)

export const START = { offset: 0, lines: 0 } as const

const take = (messages: Map<string, Final>, line: Line, file: number, offset: number): void => {
  const id = line.op === "put" ? line.message.key : line.id
  let final = messages.get(id)
  for (const fact of factsOf(final?.known, line, undefined)) {
    const known = after(final?.known, fact)
    if (known === undefined) continue
    const isVersion = fact.kind === "message.added" || fact.kind === "message.edited"
    final = isVersion || final === undefined ? { known, file, offset } : { ...final, known }
  }
  if (final !== undefined) messages.set(id, final)
}

/** The second reading: each wanted message, finished, in the order of the lines that have their texts. */
export const textsOf = (
  { messages }: Fold,
  wanted: (id: string) => boolean,
  file: number,
  lines: ReadonlyArray<RawLine>
): ReadonlyArray<{ readonly message: Message; readonly known: Known }> =>
  lines.flatMap(({ bytes, offset }) => {
    const line = lineIn(bytes)
    if (line?.op !== "put" || !wanted(line.message.key)) return []
    const final = messages.get(line.message.key)
    if (final === undefined || final.file !== file || final.offset !== offset) return []
    return [{ message: finished(line.message, final.known), known: final.known }]
  })

/** Opens, reads in pieces and closes; `failed` says what an error of the file system means. */
export const makeReadFile = (
  root: Root,
  breathe: Effect.Effect<void>,
  failed: (file: StoreFile, cause: unknown) => SourceError
): ReadFile =>
(file, from, limit, use) =>
  Effect.acquireUseRelease(
    Effect.try({ try: () => new LineReader(root, file.name, from, limit), catch: (cause) => failed(file, cause) }),
    (reader) =>
      Effect.gen(function*() {
        for (;;) {
          const lines = yield* Effect.try({ try: () => reader.next(), catch: (cause) => failed(file, cause) })
          if (lines === undefined) return reader.position()
          use(lines)
          yield* breathe
        }
      }),
    (reader) => Effect.sync(() => reader.close())
  )
