/**
 * When a pass looks at how much: at the last rows whenever anything changed, at the newest ones as often as a small
 * share of a processor allows, at all of them at the start and then twice a minute at most while the store changes.
 */

/** What a pass looks at: the last page, the newest pages, or all. */
export type Plan = "nothing" | "rows" | "recent" | "all"

/** All rows are not scanned again before this, milliseconds, nor … */
const ALL_MILLIS = 30_000
/** … before a hundred times as long as that took, … */
const SHARE = 100
/** … unless that is longer than this: the first time everything is read, and not only looked at. */
const LONGEST_MILLIS = 10 * 60 * 1_000
/** Scans of the newest rows may take this at once, milliseconds, after a time in which there were none. */
const SAVED_MILLIS = 100

export interface Schedule {
  /** `whole`: all rows have to be looked at whatever was before. */
  readonly plan: (now: { readonly version: string; readonly now: number; readonly whole: boolean }) => Plan
  /** How long a part of looking took, milliseconds. */
  readonly spent: (plan: Plan, millis: number) => void
  /** A pass came to its end: when another one should look further, milliseconds from now, if at all. */
  readonly done: (pass: { readonly plan: Plan; readonly version: string; readonly now: number }) => number | undefined
}

export const makeSchedule = (): Schedule => {
  /** The database as it was when so much of it was looked at. */
  const seen: Record<Exclude<Plan, "nothing">, string | undefined> = {
    rows: undefined,
    recent: undefined,
    all: undefined
  }
  let lastAll = -Infinity
  let costOfAll = 0
  let costOfLast = 0
  let saved = SAVED_MILLIS
  let savedAt: number | undefined
  const nextAll = () => lastAll + Math.max(ALL_MILLIS, Math.min(LONGEST_MILLIS, SHARE * costOfLast))

  return {
    plan: ({ now, version, whole }) => {
      // A clock that was set back starts anew.
      if (now < lastAll) lastAll = -Infinity
      saved = Math.min(SAVED_MILLIS, saved + Math.max(0, now - (savedAt ?? now)) / SHARE)
      savedAt = now
      if (whole || seen.all === undefined) return "all"
      if (seen.all !== version && now >= nextAll()) return "all"
      if (seen.recent !== version && saved > 0) return "recent"
      return seen.rows === version ? "nothing" : "rows"
    },
    spent: (plan, millis) => {
      if (plan === "recent") saved -= millis
      if (plan === "all") costOfAll += millis
    },
    done: ({ now, plan, version }) => {
      seen.rows = version
      if (plan !== "rows") seen.recent = version
      if (plan === "all") {
        costOfLast = costOfAll
        costOfAll = 0
        seen.all = version
        lastAll = now
      }
      if (seen.all === version) return undefined
      const recent = seen.recent === version ? Infinity : Math.max(0, -saved) * SHARE + RECENT_MILLIS
      return Math.max(RECENT_MILLIS, Math.min(recent, nextAll() - now))
    }
  }
}

/** The newest rows are looked at again after this, where a pass could not. */
const RECENT_MILLIS = 1_000
