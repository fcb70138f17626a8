/**
 * What a sealog backup is: the events, their bytes, the keys, the log, the way out and the way back.
 * No file system, no network and no clock of its own; whatever touches the world is a port that the
 * adapters fill. What an adapter in a package of its own needs of it is here; the rest is imported by its path.
 */
export {
  defineStorage,
  type StorageAccess,
  type StorageAdapter,
  type StorageDefinition,
  type StorageSecret,
  type StorageVerbs
} from "./backup/DefineStorage.ts"
export {
  type ByteRange,
  type Capabilities,
  type ObjectInfo,
  Storage,
  StorageError,
  type StorageReason,
  type StorageShape
} from "./backup/Storage.ts"

/** The release of the program and of the packages it is made of. */
export const version = "0.1.0"
