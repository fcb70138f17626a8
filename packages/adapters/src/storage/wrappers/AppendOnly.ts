/** A place that nothing is ever deleted from, whatever it could do: what one machine writes, none takes away. */
import { parseObjectName } from "@sealog/core/backup/ObjectPath"
import { StorageError, type StorageShape } from "@sealog/core/backup/Storage"
import { Effect } from "effect"

export const appendOnly = (behind: StorageShape): StorageShape => ({
  ...behind,
  capabilities: { ...behind.capabilities, deletes: false },
  delete: (name) =>
    Effect.zipRight(
      parseObjectName("delete", name),
      new StorageError({ reason: "Unsupported", method: "delete", subject: name, retryable: false })
    )
})
