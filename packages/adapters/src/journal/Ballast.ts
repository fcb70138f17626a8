/**
 * Space kept for the day the disk is full: LevelDB cannot open without some, and a journal that cannot open can
 * neither be read nor recover by itself. The file is given up when opening fails for want of space, and made again
 * once there is enough.
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import { Clock, Effect, Ref } from "effect"

export const BALLAST_BYTES = 4 * 1024 * 1024
/** How long after a failure to reserve it is tried again, milliseconds. */
const RETRY_MILLIS = 60_000
const PAGE = new Uint8Array(1024 * 1024)

export interface Ballast {
  /** Gives the space up; whether there was any. */
  readonly release: Effect.Effect<boolean>
  /** Takes the space again where it is missing; costs nothing where it is not. */
  readonly reserve: Effect.Effect<void>
}

export const makeBallast = Effect.fn("Ballast.make")(function*(fs: FileSystem, path: string, bytes: number) {
  const held = yield* Ref.make(yield* isThere(fs, path, bytes))
  const nextTry = yield* Ref.make(Number.NEGATIVE_INFINITY)

  const release = Effect.gen(function*() {
    yield* Ref.set(nextTry, (yield* Clock.currentTimeMillis) + RETRY_MILLIS)
    if (!(yield* Ref.getAndSet(held, false))) return false
    return yield* fs.remove(path).pipe(Effect.as(true), Effect.catchTag("SystemError", () => Effect.succeed(false)))
  }).pipe(Effect.catchTag("BadArgument", Effect.die))

  const reserve = Effect.gen(function*() {
    if (yield* Ref.get(held)) return
    const now = yield* Clock.currentTimeMillis
    if (now < (yield* Ref.get(nextTry))) return
    yield* Ref.set(nextTry, now + RETRY_MILLIS)
    yield* write(fs, path, bytes).pipe(
      Effect.zipRight(Ref.set(held, true)),
      // No space yet, or a disk that takes no file: the journal itself will say so when it matters.
      Effect.catchAll((error) =>
        Effect.logDebug("no space to reserve", error).pipe(
          Effect.zipRight(Effect.ignore(fs.remove(path, { force: true })))
        )
      )
    )
  })
  return { release, reserve } satisfies Ballast
})

/** Twice as much, then cut in half: what is reserved must never be the last there was. */
const write = (fs: FileSystem, path: string, bytes: number) =>
  Effect.scoped(Effect.gen(function*() {
    const file = yield* fs.open(path, { flag: "w", mode: 0o600 })
    for (let left = 2 * bytes; left > 0; left -= PAGE.length) {
      yield* file.writeAll(filled().subarray(0, Math.min(left, PAGE.length)))
    }
    yield* file.sync
    yield* file.truncate(BigInt(bytes))
    yield* file.sync
  }))

const isThere = (fs: FileSystem, path: string, bytes: number) =>
  fs.stat(path).pipe(Effect.map((info) => info.size === BigInt(bytes)), Effect.orElseSucceed(() => false))

/** Bytes that no file system compresses away. */
const filled = (): Uint8Array => {
  if (PAGE[0] !== 0) return PAGE
  let state = 0x9e3779b1
  for (let at = 0; at < PAGE.length; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    PAGE[at] = state | (at === 0 ? 1 : 0)
  }
  return PAGE
}
