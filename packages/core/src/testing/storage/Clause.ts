/**
 * What the clauses of the storage contract share: how one is written, and how an object or a listing is looked at.
 * Whoever reads a broken promise is about to mend an adapter, so each says what to mend.
 */
import { Effect, Stream } from "effect"
import { type ObjectInfo, Storage, type StorageError, type StorageShape } from "../../backup/Storage.ts"
import { type BrokenPromise, type Clause, promise } from "../Contract.ts"
import { same } from "../StorageSamples.ts"

/** What a place may or may not claim, of `Capabilities`; `keepsAll` is what it claims that takes no deletes. */
export type StorageCapability = "atomicCreate" | "strongList" | "deletes" | "keepsAll"

export type StorageClause = Clause<Storage, StorageError, StorageCapability>

export type Check = (storage: StorageShape) => Effect.Effect<void, StorageError | BrokenPromise>

/** Clauses that are mended in the same way. */
export const mending = (mend: string) =>
(
  name: string,
  check: Check,
  needs: ReadonlyArray<StorageCapability> = [],
  timeoutMillis = 30_000
): StorageClause => ({ name, mend, needs, timeoutMillis, check: Effect.flatMap(Storage, check) })

/** The place holds exactly that under the name. */
export const holds = (storage: StorageShape, name: string, bytes: Uint8Array) =>
  Effect.flatMap(
    storage.get(name),
    (got) =>
      promise(
        same(got, bytes),
        got.length === bytes.length
          ? `${name} has its ${bytes.length} bytes, and not those that were stored`
          : `${name} has ${got.length} bytes, not the ${bytes.length} that were stored`
      )
  )

/** A whole listing, in order of names. */
export const listed = (storage: StorageShape, prefix: string): Effect.Effect<ReadonlyArray<ObjectInfo>, StorageError> =>
  Effect.map(
    Stream.runCollect(storage.list(prefix)),
    (chunk) => [...chunk].map(({ name, size }) => ({ name, size })).toSorted(byName)
  )

export const byName = (a: ObjectInfo, b: ObjectInfo) => a.name < b.name ? -1 : 1
