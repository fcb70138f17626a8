/**
 * What a sealog backup is: the events, their bytes, the keys, the log, the way out and the way back.
 * No file system, no network and no clock of its own; whatever touches the world is a port that the
 * adapters fill.
 */

/** The release of the program and of the packages it is made of. */
export const version = "0.1.0"
