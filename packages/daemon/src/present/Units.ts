/**
 * Numbers as people read them. Scripts read `--json`, where sizes are bytes and durations seconds.
 */

/** Decimal units, as disks are sold and systems show them: `1.3 GB`. */
export const bytes = (value: number): string => {
  if (value < 1_000) return `${value} B`
  const units = ["kB", "MB", "GB", "TB", "PB"]
  let amount = value / 1_000
  let unit = 0
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1_000
    unit++
  }
  return `${amount < 9.95 ? amount.toFixed(1) : Math.round(amount)} ${units[unit]}`
}

export const count = (value: number): string => value.toLocaleString("en-US")

/** `3 events`, `1 event`, `no events`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  value === 0 ? `no ${many}` : value === 1 ? `1 ${one}` : `${count(value)} ${many}`

/** The two greatest units: `2 d 3 h`, `4.2 s`. */
export const duration = (seconds: number): string => {
  if (seconds < 0.05) return "0 s"
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const parts: ReadonlyArray<readonly [string, number]> = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]]
  const first = parts.findIndex(([, size]) => whole >= size)
  return parts.slice(first, first + 2).flatMap(([unit, size], at) => {
    const above = at === 0 ? Number.POSITIVE_INFINITY : parts[first]?.[1] ?? size
    const amount = Math.floor((whole % above) / size)
    return amount === 0 ? [] : [`${amount} ${unit}`]
  }).join(" ")
}

/** How long ago a report's time is, seen from `now`. */
export const ago = (time: string, nowMillis: number): string => {
  const seconds = (nowMillis - Date.parse(time)) / 1_000
  return seconds < 1 ? "just now" : `${duration(seconds)} ago`
}
