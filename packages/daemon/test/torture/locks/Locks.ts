/** The files that LevelDB's locks are on, below the journal. */
export const LOCK_FILES = ["db/LOCK", "lock/LOCK"]
/** A database with nothing but LevelDB's own lock, below the home. */
export const BARE = "bare"
