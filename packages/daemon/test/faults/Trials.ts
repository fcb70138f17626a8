/**
 * How many trials each test of faults makes: few enough for every change by default, and as many as one likes by
 * environment variable. The seed makes the choices of a run; a run that failed is made again with the seed it names.
 */
const count = (name: string, normally: number): number => {
  const text = process.env[name]
  const asked = text === undefined || text === "" ? normally : Number(text)
  if (!Number.isSafeInteger(asked) || asked < 0) throw new RangeError(`${name} is not a count: ${text}`)
  return asked
}

/** What all choices of a run come from. */
const SEED = count("SEALOG_FAULT_SEED", 1)
/** Times the program is killed in each phase: import, live capture, ship, restore. */
export const KILLS = count("SEALOG_FAULT_KILLS", 10)
/** Mails of a first import that is killed. */
export const IMPORT_MAILS = count("SEALOG_FAULT_MAILS", 3_000)
/** Mutants of a vault that a restore into a folder is tried on. */
export const MUTANTS = count("SEALOG_FAULT_MUTANTS", 30)

/** Numbers from 0 to 1, the same for the same seed and name (mulberry32). */
export const randomOf = (name: string): () => number => {
  let state = [...name].reduce((hash, letter) => Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193), SEED | 0)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One of these. */
export const pick = <A>(random: () => number, all: ReadonlyArray<A>): A => all[Math.floor(random() * all.length)]!
