/** A listing as one answer, for wrappers that can let go of the place, or ask again, only between whole ones. */
import type { ObjectInfo, StorageError, StorageShape } from "@sealog/core/backup/Storage"
import { Effect, Stream } from "effect"

/** The place with each listing taken whole by `around`, and given out only then. */
export const listWhole = (
  behind: StorageShape,
  around: (
    whole: Effect.Effect<ReadonlyArray<ObjectInfo>, StorageError>,
    prefix: string
  ) => Effect.Effect<ReadonlyArray<ObjectInfo>, StorageError>
): StorageShape["list"] =>
(prefix) =>
  Stream.unwrap(
    Effect.map(
      around(Effect.map(Stream.runCollect(behind.list(prefix)), (infos) => [...infos]), prefix),
      Stream.fromIterable
    )
  )
