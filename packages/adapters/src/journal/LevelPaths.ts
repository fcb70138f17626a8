/** What lies where in a journal's folder. */

export const dbPath = (path: string) => `${path}/db`
/** The newest head, noted beside LevelDB. */
export const markPath = (path: string) => `${path}/newest`
/** The files that an opening began with which was not found whole. */
export const keptPath = (path: string) => `${path}/before`
/** The files that were there before LevelDB was opened again, until that was found whole. */
export const againPath = (path: string) => `${path}/again`
/** Says why the journal must be healed before it is opened again. */
export const condemnedPath = (path: string) => `${path}/condemned`
/** A journal that is being built to take the place of a damaged one, … */
export const healingPath = (path: string) => `${path}/db.healing`
/** … and one that is whole, and has not yet taken it. */
export const healedPath = (path: string) => `${path}/db.healed`
