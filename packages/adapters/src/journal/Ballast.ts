/**
 * Space kept for the day the disk is full: LevelDB cannot open without some, and a journal that cannot open can
 * neither be read nor recover by itself. The file is given up when opening fails for want of space. From the first
 * write that found the disk full, none is tried until there is enough again for all of it: what was given up is for
 * opening and reading, and must not be written full as well.
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import { Clock, Effect, Ref } from "effect"
import { WRITE_BUFFER_BYTES } from "./LevelDatabase.ts"

/** Twice what LevelDB writes at once when it opens: it may have failed in the middle of that before. */
export const BALLAST_BYTES = 2 * WRITE_BUFFER_BYTES
/** How long after the disk was found full it is looked at again, milliseconds. */
export const RETRY_MILLIS = 5_000
const PAGE_BYTES = 1024 * 1024

export interface Ballast {
  /** The disk was found full: nothing is ready until there is space again. */
  readonly suspend: Effect.Effect<void>
  /** Gives the space up; whether there was any. */
  readonly release: Effect.Effect<boolean>
  /** Whether writes may be tried; takes the space again where it is missing. Costs nothing while all is well. */
  readonly ready: Effect.Effect<boolean>
}

/** None: for tests, and for whoever has so little space that he would rather use it. */
export const noBallast: Ballast = { suspend: Effect.void, release: Effect.succeed(false), ready: Effect.succeed(true) }

export const makeBallast = Effect.fn("Ballast.make")(function*(fs: FileSystem, path: string, bytes: number) {
  const isThere = fs.stat(path).pipe(
    Effect.map((info) => info.size === BigInt(bytes)),
    Effect.orElseSucceed(() => false)
  )
  const well = yield* Ref.make(yield* isThere)
  const nextTry = yield* Ref.make(Number.NEGATIVE_INFINITY)

  const suspend = Effect.gen(function*() {
    yield* Ref.set(well, false)
    yield* Ref.set(nextTry, (yield* Clock.currentTimeMillis) + RETRY_MILLIS)
  })

  const release = Effect.gen(function*() {
    yield* suspend
    return yield* fs.remove(path).pipe(
      Effect.as(true),
      // Already given up, or never there: then there is nothing to give.
      Effect.orElseSucceed(() => false)
    )
  })

  /** What is reserved must never be the last there was: as much again has to be free beside it. */
  const reserve = Effect.gen(function*() {
    const there = yield* isThere
    const probe = `${path}.new`
    yield* fill(fs, probe, there ? bytes : 2 * bytes, bytes)
    yield* there ? fs.remove(probe) : fs.rename(probe, path)
  })

  const ready = Effect.gen(function*() {
    if (yield* Ref.get(well)) return true
    const now = yield* Clock.currentTimeMillis
    if (now < (yield* Ref.get(nextTry))) return false
    yield* Ref.set(nextTry, now + RETRY_MILLIS)
    const reserved = yield* Effect.either(reserve)
    if (reserved._tag === "Left") {
      yield* Effect.logDebug("no space to reserve", reserved.left)
      yield* Effect.ignore(fs.remove(`${path}.new`, { force: true }))
    }
    yield* Ref.set(well, reserved._tag === "Right")
    return reserved._tag === "Right"
  })
  return { suspend, release, ready } satisfies Ballast
})

/** Writes a file so long, then cuts it to what is kept. */
const fill = (fs: FileSystem, path: string, bytes: number, keepBytes: number) =>
  Effect.scoped(Effect.gen(function*() {
    const file = yield* fs.open(path, { flag: "w", mode: 0o600 })
    const page = incompressible()
    for (let left = bytes; left > 0; left -= page.length) {
      yield* file.writeAll(page.subarray(0, Math.min(left, page.length)))
    }
    yield* file.sync
    yield* file.truncate(BigInt(keepBytes))
    yield* file.sync
  }))

/** Bytes that no file system compresses away (xorshift, Marsaglia 2003). */
const incompressible = (): Uint8Array => {
  const page = new Uint8Array(PAGE_BYTES)
  let state = 0x9e3779b1
  for (let at = 0; at < page.length; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    page[at] = state
  }
  return page
}
