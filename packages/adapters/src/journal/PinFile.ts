/**
 * The pinned head in a small file of the home, outside LevelDB: it must not share the fate of what it vouches for. It
 * is replaced by a rename, so that a crash leaves the old one or the new one and never a part.
 */
import { FileSystem } from "@effect/platform/FileSystem"
import { HeadPin, openPin, type Pin, PinError, type PinReason, sealPin } from "@sealog/core/backup/HeadPin"
import { Entropy } from "@sealog/core/keys/Entropy"
import { KeyRing } from "@sealog/core/keys/KeyRing"
import { Effect, Layer } from "effect"
import { Buffer } from "node:buffer"
import { syncFolder } from "./SyncFolder.ts"

/** Longer than any pin of as many targets as anybody has, bytes. */
const PIN_BYTES = 1024 * 1024

/** The pin kept in the file of this path. */
export const makePinFile = Effect.fn("PinFile.make")(function*(path: string) {
  const fs = yield* FileSystem
  const ring = yield* KeyRing
  const entropy = yield* Entropy
  const turn = yield* Effect.makeSemaphore(1)
  const wrap = (method: string) => Effect.mapError((cause: unknown) => toPinError(method, path, cause))

  const read = Effect.gen(function*() {
    if (!(yield* fs.exists(path).pipe(wrap("read")))) {
      return yield* new PinError({ reason: "Missing", method: "read", subject: path })
    }
    const { size } = yield* fs.stat(path).pipe(wrap("read"))
    if (size > PIN_BYTES) return yield* new PinError({ reason: "Corrupt", method: "read", subject: path })
    return yield* openPin(ring, yield* fs.readFile(path).pipe(wrap("read")))
  })

  const write = Effect.fn("PinFile.write")(function*(pin: Pin) {
    const bytes = yield* sealPin(ring, entropy, pin)
    const temporary = `${path}.${Buffer.from(entropy.bytes(8)).toString("hex")}.new`
    yield* writeSynced(fs, temporary, bytes).pipe(
      Effect.zipRight(fs.rename(temporary, path)),
      Effect.zipRight(syncFolder(fs, path.slice(0, Math.max(1, path.lastIndexOf("/"))))),
      Effect.tapError(() => Effect.ignore(fs.remove(temporary, { force: true }))),
      wrap("write")
    )
  }, Effect.uninterruptible)

  return HeadPin.of({
    read,
    create: (pin) =>
      turn.withPermits(1)(Effect.gen(function*() {
        if (yield* fs.exists(path).pipe(wrap("create"))) {
          return yield* new PinError({ reason: "Exists", method: "create", subject: path })
        }
        yield* write(pin)
      })),
    update: (change) => turn.withPermits(1)(Effect.flatMap(read, (pinned) => write(change(pinned))))
  })
})

/** @public */
export const layerPinFile = (path: string): Layer.Layer<HeadPin, never, FileSystem | KeyRing | Entropy> =>
  Layer.effect(HeadPin, makePinFile(path))

const writeSynced = (fs: FileSystem, path: string, bytes: Uint8Array) =>
  Effect.scoped(Effect.gen(function*() {
    const file = yield* fs.open(path, { flag: "wx", mode: 0o600 })
    yield* file.writeAll(bytes)
    yield* file.sync
  }))

const toPinError = (method: string, subject: string, cause: unknown): PinError => {
  const text = cause instanceof Error ? cause.message : ""
  const reason: PinReason = /ENOSPC|EDQUOT|no space left/i.test(text) ? "Full" : "Io"
  return new PinError({ reason, method, subject, cause })
}
