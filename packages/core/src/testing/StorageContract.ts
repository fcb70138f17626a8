/**
 * What every place for sealed objects promises, as clauses: whoever writes an adapter runs these against it, in a test
 * framework or with `sealog target check`. They ask only for what its capabilities claim, and only through the four
 * verbs; each stands in the file of its subject under `storage/`, with what to mend where it is broken.
 */
import type { Effect } from "effect"
import type { Storage, StorageError, StorageShape } from "../backup/Storage.ts"
import type { Contract } from "./Contract.ts"
import type { StorageCapability } from "./storage/Clause.ts"
import { deletions } from "./storage/Deletions.ts"
import { endings } from "./storage/Endings.ts"
import { listings } from "./storage/Listings.ts"
import { names, taken } from "./storage/Names.ts"
import { races } from "./storage/Races.ts"
import { ranges } from "./storage/Ranges.ts"
import { unfinished } from "./storage/Unfinished.ts"
import { absent, sizes, whole } from "./storage/Whole.ts"

export type { StorageCapability, StorageClause } from "./storage/Clause.ts"
export type StorageContract = Contract<Storage, StorageError, StorageCapability>

/** The capabilities that clauses ask for, read from the place's own claims. */
export const claimed = (storage: Pick<StorageShape, "capabilities">): ReadonlySet<StorageCapability> => {
  const { atomicCreate, deletes, objectLock, strongList } = storage.capabilities
  return new Set([
    ...(atomicCreate ? ["atomicCreate" as const] : []),
    ...(strongList ? ["strongList" as const] : []),
    deletes && !objectLock ? "deletes" : "keepsAll"
  ])
}

export interface StorageContractOptions {
  /** How many files or connections the process holds open, where that can be told. */
  readonly openHandles?: Effect.Effect<number>
}

export const storageContract = (options?: StorageContractOptions): StorageContract => ({
  name: "Storage",
  clauses: [
    ...whole,
    ...sizes,
    ...absent,
    ...names,
    ...taken,
    ...races,
    ...ranges,
    ...listings,
    ...deletions,
    ...unfinished,
    ...endings(options?.openHandles)
  ]
})
