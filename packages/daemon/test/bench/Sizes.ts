/** How much of each kind of work is done: as much as a release deserves, or little, to see that it runs. */
import { Schema } from "effect"

export const Sizes = Schema.Struct({
  /** Times each piece of work is done; the median counts. */
  runs: Schema.Int,
  /** Mails in the store. */
  mails: Schema.Int,
  /** Rows of messages in a messenger's database. */
  chatMessages: Schema.Int,
  /** Mails that arrive between two backups. */
  arrivals: Schema.Int,
  /** Mails delivered to the daemon one by one. */
  deliveries: Schema.Int,
  /** How long the daemon is watched while nothing happens: a minute has one pass over the store. */
  idleSeconds: Schema.Number,
  /** Events of the longest run through the pipeline. */
  events: Schema.Int,
  /** Captures and ships of a few events more after such a run: enough that compactions are among them. */
  increments: Schema.Int,
  /** Messages shipped one by one. */
  ships: Schema.Int
})
export type Sizes = typeof Sizes.Type

export const RELEASE: Sizes = {
  runs: 5,
  mails: 50_000,
  chatMessages: 1_000_000,
  arrivals: 100,
  deliveries: 200,
  idleSeconds: 70,
  events: 1_000_000,
  increments: 48,
  ships: 10_000
}

/** On the command line, by field: `--idle-seconds`. */
export const flagOf = (field: string): string => field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** Sizes of which some were asked for as text. */
export const sizesOf = (asked: (flag: string) => unknown): Sizes => {
  const fields = Object.entries(RELEASE).map(([field, normally]) => {
    const text = asked(flagOf(field))
    const value = text === undefined ? normally : Number(text)
    if (!(value > 0)) throw new RangeError(`--${flagOf(field)} is no number above 0: ${text}`)
    return [field, value] as const
  })
  return Schema.decodeUnknownSync(Sizes)(Object.fromEntries(fields))
}

/** Which of these fields are not a release's, in words. */
export const notOfRelease = (sizes: Sizes, fields: ReadonlyArray<keyof Sizes>): ReadonlyArray<string> =>
  fields.flatMap((field) =>
    sizes[field] === RELEASE[field]
      ? []
      : [`**${flagOf(field)} ${sizes[field].toLocaleString("en")} instead of ${RELEASE[field].toLocaleString("en")}**`]
  )
