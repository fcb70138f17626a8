/**
 * A vault in memory, with the same promises as a disk: what tests and simulations put in its place.
 */
import { parseObjectName } from "@sealog/core/backup/ObjectPath"
import type { Capabilities, StorageShape } from "@sealog/core/backup/Storage"
import { Storage, StorageError, type StorageReason } from "@sealog/core/backup/Storage"
import { OBJECT_BYTES } from "@sealog/core/format/Limits"
import { Effect, Layer, Stream } from "effect"

export interface MemoryOptions {
  /** Objects that are there from the start; also what a test may look into and change. */
  readonly objects?: Map<string, Uint8Array>
  /** Claims to make instead of a disk's; an append-only place refuses to delete. */
  readonly capabilities?: Partial<Capabilities>
}

export const makeMemory = (options?: MemoryOptions): Effect.Effect<StorageShape> =>
  Effect.sync(() => {
    const objects = options?.objects ?? new Map<string, Uint8Array>()
    const capabilities: Capabilities = { ...claims, ...options?.capabilities }
    return {
      kind: "memory",
      capabilities,
      put: Effect.fn("Memory.put")(function*(name: string, bytes: Uint8Array) {
        yield* parseObjectName("put", name)
        if (bytes.length > capabilities.maxObjectBytes) return yield* failure("Unsupported", "put", name)
        if (objects.has(name)) return yield* failure("AlreadyExists", "put", name)
        objects.set(name, bytes.slice())
      }),
      get: Effect.fn("Memory.get")(function*(name, range) {
        yield* parseObjectName("get", name)
        const { length, offset } = range ?? { offset: 0, length: Number.MAX_SAFE_INTEGER }
        if (!isWhole(offset) || !isWhole(length)) return yield* failure("Unsupported", "get", name)
        const bytes = objects.get(name)
        if (bytes === undefined) return yield* failure("NotFound", "get", name)
        return bytes.slice(offset, Math.min(bytes.length, offset + length))
      }),
      list: (prefix) =>
        Stream.suspend(() =>
          Stream.fromIterable(
            [...objects].filter(([name]) => name.startsWith(prefix)).map(([name, { length }]) => ({
              name,
              size: length
            }))
          )
        ),
      delete: Effect.fn("Memory.delete")(function*(name: string) {
        yield* parseObjectName("delete", name)
        if (!capabilities.deletes) return yield* failure("Unsupported", "delete", name)
        objects.delete(name)
      })
    }
  })

/** @public */
export const layerMemory: Layer.Layer<Storage> = Layer.effect(Storage, makeMemory())

const claims: Capabilities = {
  atomicCreate: true,
  rangeReads: true,
  strongList: true,
  durability: "stored",
  deletes: true,
  objectLock: false,
  maxObjectBytes: OBJECT_BYTES
}

const isWhole = (value: number) => Number.isSafeInteger(value) && value >= 0

const failure = (reason: StorageReason, method: string, subject: string) =>
  new StorageError({ reason, method, subject, retryable: false })
