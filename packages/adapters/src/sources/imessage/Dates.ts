/** Times of Messages: nanoseconds since 2001 or, before macOS 10.13, seconds. */

/** 2001-01-01 in milliseconds since 1970. */
export const EPOCH_MILLIS = 978_307_200_000

/** A time is in nanoseconds from here on: as seconds that is the year 33,658. */
const NANOSECONDS_FROM = 1e12

/**
 * A time in SQL, in two numbers that are exact: its millionth part, and what is left of it. As one number it is more
 * than a JavaScript number holds.
 */
export const timeColumns = (column: string): string => `${column} / 1000000, ${column} % 1000000`

export interface Time {
  readonly at?: number
  readonly atQuality?: "exact" | "second"
  /** Nanoseconds beyond the millisecond. */
  readonly nanos?: number
}

/** The time of two such numbers; none where there is none. */
export const timeOf = (millions: number | null, rest: number | null): Time => {
  if (millions === null || rest === null || (millions === 0 && rest === 0)) return {}
  if (Math.abs(millions) < NANOSECONDS_FROM / 1e6) {
    return { at: EPOCH_MILLIS + (millions * 1e6 + rest) * 1_000, atQuality: "second" }
  }
  return { at: EPOCH_MILLIS + millions, atQuality: "exact", ...(rest === 0 ? {} : { nanos: rest }) }
}
