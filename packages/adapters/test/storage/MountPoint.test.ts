/** A vault on a disk that can be unplugged: what its empty mount point is taken for, and what is never written there. */
import { assert, describe, it } from "@effect/vitest"
import { makeDisk, mountOf, prepareDisk } from "@sealog/adapters/storage/Disk"
import { tolerant } from "@sealog/adapters/storage/DiskFiles"
import { mountPointOf, requireMounted } from "@sealog/adapters/storage/MountPoint"
import { Effect, Exit, Stream } from "effect"
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs"
import { freshFolder } from "../support.ts"

const BYTES = new Uint8Array(1000).fill(7)

/** A mounted file system below a fresh folder until it is unmounted or the scope closes; why not, where it cannot be. */
const mounted = Effect.gen(function*() {
  const folder = yield* freshFolder
  const at = `${folder}/usb`
  mkdirSync(at)
  const unmount = () => spawnSync("umount", [at])
  const made = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "none", at], { encoding: "utf8" })
  if (made.status !== 0) return `no file system can be mounted here: ${made.stderr ?? made.error}`
  yield* Effect.addFinalizer(() => Effect.sync(unmount))
  return { at, mount: () => spawnSync("mount", ["-t", "tmpfs", "none", at]), unmount }
})

describe("a disk that is unplugged", () => {
  /** Verifies: STO-8, STO-30 */
  it.scopedLive("is Unreachable in every verb that could be wrong about it, and nothing is written in its place", (test) =>
    Effect.gen(function*() {
      const usb = yield* mounted
      if (typeof usb === "string") return test.skip(usb)
      const root = `${usb.at}/vault`
      yield* prepareDisk(root)
      const mount = yield* mountOf(root)
      assert.strictEqual(mount, usb.at)
      const disk = yield* makeDisk(root, { mount })
      yield* disk.put("log/aa", BYTES)

      usb.unmount()
      // An earlier program of somebody's wrote into the empty mount point what looks like a vault.
      for (const folder of ["tmp", "log"]) mkdirSync(`${root}/${folder}`, { recursive: true })
      writeFileSync(`${root}/sealog.json`, "{}")
      const before = readdirSync(usb.at, { recursive: true }).toSorted()
      const put = yield* Effect.flip(disk.put("log/bb", BYTES))
      const list = yield* Effect.flip(Stream.runCollect(disk.list("log/")))
      const remove = yield* Effect.flip(disk.delete("log/aa"))
      const prepare = yield* Effect.flip(prepareDisk(root, { mount }))
      for (const error of [put, list, remove, prepare]) {
        assert.deepNestedInclude(error, { reason: "Unreachable", retryable: true, subject: root })
      }
      assert.deepStrictEqual(readdirSync(usb.at, { recursive: true }).toSorted(), before)

      usb.mount()
      mkdirSync(`${root}/tmp`, { recursive: true })
      yield* disk.put("log/bb", BYTES)
      assert.isTrue(existsSync(`${root}/log/bb`))
    }))

  /** Verifies: STO-30 */
  it.scoped("is not taken for another one that was plugged in where its vault was at the top", () =>
    Effect.gen(function*() {
      const root = `${yield* freshFolder}/usb`
      yield* prepareDisk(root)
      const disk = yield* makeDisk(root)
      yield* disk.put("log/aa", BYTES)
      renameSync(root, `${root}.unplugged`)
      mkdirSync(root)
      writeFileSync(`${root}/holiday.jpg`, "x")
      assert.strictEqual((yield* Effect.flip(disk.put("log/bb", BYTES))).reason, "Unreachable")
      assert.strictEqual((yield* Effect.flip(Stream.runCollect(disk.list("")))).reason, "Unreachable")
      assert.deepStrictEqual(readdirSync(root), ["holiday.jpg"])
    }))

  for (const path of ["/mnt/sealog-no-disk/vault", "/media/sealog-no-disk", "/run/media/ada/sealog-no-disk/vault"]) {
    /** Verifies: STO-30 */
    it.effect(`is Unreachable before anything is known of it, at ${path}`, () =>
      Effect.gen(function*() {
        // One disk carries everything: the system's own.
        const options = { device: () => Promise.resolve(1) }
        assert.strictEqual((yield* Effect.flip(prepareDisk(path, options))).reason, "Unreachable")
        const disk = yield* makeDisk(path, options)
        assert.strictEqual((yield* Effect.flip(disk.put("log/aa", BYTES))).reason, "Unreachable")
        assert.isFalse(existsSync(path))
      }))
  }

  /** Verifies: STO-30 */
  it.effect("is there where any folder on the way to it carries another disk, and where its owner says so", () =>
    Effect.gen(function*() {
      const usb = "/mnt/sealog-no-disk"
      const plugged = (path: string) => Promise.resolve(path.startsWith("/mnt") ? 2 : 1)
      const plain = () => Promise.resolve(1)
      const outcome = (mount: string | undefined, device: (path: string) => Promise<number>) =>
        Effect.map(
          Effect.exit(Effect.tryPromise(() => requireMounted(`${usb}/vault`, mount, device))),
          (exit) => Exit.isSuccess(exit)
        )
      assert.deepStrictEqual(
        [
          yield* outcome(undefined, plugged),
          yield* outcome("/mnt", plugged),
          yield* outcome("/", plain),
          yield* outcome(usb, plugged),
          yield* outcome("/media", plugged),
          yield* outcome(undefined, plain)
        ],
        [true, true, true, false, false, false]
      )
    }))

  /** Verifies: STO-30 */
  it.scoped("is found through links, and by the folder above where it has none of its own yet", () =>
    Effect.gen(function*() {
      const folder = yield* freshFolder
      mkdirSync(`${folder}/disk`)
      symlinkSync(`${folder}/disk`, `${folder}/link`)
      const device = (path: string) => Promise.resolve(path.startsWith(`${folder}/disk`) ? 2 : 1)
      const found = yield* Effect.promise(() => mountPointOf(`${folder}/link/new/vault`, device))
      assert.strictEqual(found, `${folder}/disk`)
    }))
})

describe("a share that cannot sync a folder", () => {
  const saying = (code: string) =>
    Effect.exit(Effect.tryPromise(() => tolerant(() => Promise.reject(Object.assign(new Error(code), { code })))))

  /** Verifies: STO-14 */
  it.effect("is none the worse for it, and every other refusal of a sync is one", () =>
    Effect.gen(function*() {
      for (const code of ["EINVAL", "ENOTSUP", "EPERM"]) assert.isTrue(Exit.isSuccess(yield* saying(code)), code)
      for (const code of ["EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES", "ENOTTY", "EBADF", "ESTALE"]) {
        assert.isTrue(Exit.isFailure(yield* saying(code)), code)
      }
    }))
})
