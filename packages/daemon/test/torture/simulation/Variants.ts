/**
 * Daemons that are wrong on purpose, each in one thing that the order of writes depends on: what the simulation must
 * find, or it finds nothing.
 */
import type { JournalEntry, JournalShape } from "@sealog/core/backup/Journal"
import type { StorageError, StorageShape } from "@sealog/core/backup/Storage"
import { parseSegmentName, type SegmentName } from "@sealog/core/format/ObjectName"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { Effect, Either, Stream } from "effect"
import { Buffer } from "node:buffer"

/** What a variant does to what the daemon is given; nothing of it is where it is right. */
export interface Variant {
  readonly journal?: (journal: JournalShape) => JournalShape
  readonly storage?: (
    storage: StorageShape,
    knows: { readonly ring: KeyRingShape; readonly journal: () => JournalShape | undefined }
  ) => StorageShape
}

/** An append is acknowledged when it is only remembered; it is made with the next one. */
export const acknowledgesEarly: Variant = {
  journal: (journal) => {
    let held: JournalEntry | undefined
    const head = Effect.suspend(() => held === undefined ? journal.head : Effect.succeed(held.head))
    return {
      ...journal,
      head,
      logs: Effect.map(
        Effect.zip(journal.logs, head),
        ([logs, now]) => logs.map((log, at) => at === logs.length - 1 ? { ...log, head: now } : log)
      ),
      append: (entry) =>
        Effect.suspend(() => {
          const before = held
          held = entry
          return before === undefined ? Effect.void : journal.append(before)
        })
    }
  }
}

/** A put is acknowledged, so that the cursor moves, when it is only meant; it is made with the next one. */
export const movesCursorEarly: Variant = {
  storage: (storage) => {
    let held: Effect.Effect<void, StorageError> = Effect.void
    return {
      ...storage,
      put: (name, bytes) =>
        Effect.suspend(() => {
          const before = held
          held = storage.put(name, bytes)
          return before
        })
    }
  }
}

/** What this journal does not know of is not looked at: after a machine was turned back it just goes on. */
export const skipsReconcile: Variant = {
  storage: (storage, { journal, ring }) => ({
    ...storage,
    list: (prefix) =>
      Stream.filterEffect(
        storage.list(prefix),
        ({ name }) =>
          Effect.gen(function*() {
            const segment = segmentOf(ring, name)
            const opened = journal()
            if (segment === undefined || opened === undefined) return true
            const { sessions } = yield* opened.identity
            const { size } = yield* opened.head
            return segment.last < size && sessions.some((session) => Buffer.compare(session, segment.session) === 0)
          })
      )
  })
}

/** The segments that are to be merged are deleted before the merged one is there, let alone proven. */
export const deletesEarly: Variant = {
  storage: (storage, { ring }) => ({
    ...storage,
    put: (name, bytes) => {
      const merged = segmentOf(ring, name)
      if (merged === undefined || merged.level === 0) return storage.put(name, bytes)
      const isPart = (info: { readonly name: string }) => {
        const part = segmentOf(ring, info.name)
        return part !== undefined && part.level < merged.level && part.first >= merged.first && part.last <= merged.last
      }
      return storage.list("log/").pipe(
        Stream.filter(isPart),
        Stream.runForEach((part) => storage.delete(part.name)),
        Effect.zipRight(storage.put(name, bytes))
      )
    }
  })
}

const segmentOf = (ring: KeyRingShape, name: string): SegmentName | undefined =>
  name.startsWith("log/") ? Either.getOrUndefined(parseSegmentName(ring, name)) : undefined
