/**
 * The files of a simulated home, with what a disk promises and no more: what was written is there for good once the
 * file was synced, and a new name once its folder was. A power cut takes the rest, or part of it, as chance will have it.
 */
import { FileSystem } from "@effect/platform"
import { type PlatformError, SystemError } from "@effect/platform/Error"
import { Effect, Option } from "effect"
import { Buffer } from "node:buffer"

interface Inode {
  data: Uint8Array
  /** What a power cut leaves of it. */
  synced: Uint8Array
}

type Names = Map<string, Inode>

/** Lets a request through to the disk; how a process is stopped in between. */
export type Gate = <A, E>(request: string, work: Effect.Effect<A, E>) => Effect.Effect<A, E>

export class Files {
  private names: Names
  /** The names that a power cut leaves. */
  private synced: Names

  constructor(from?: ReadonlyMap<string, Uint8Array>) {
    this.names = new Map([...from ?? []].map(([path, data]) => [path, { data, synced: data }]))
    this.synced = new Map(this.names)
  }

  /** Everything as it stands, as a backup of the machine would have it. */
  copy(): Map<string, Uint8Array> {
    return new Map([...this.names].map(([path, { data }]) => [path, data]))
  }

  read(path: string): Uint8Array | undefined {
    return this.names.get(path)?.data
  }

  /** A power cut: what was not synced is there or not, names and contents each for itself. */
  cutPower(random: () => number): void {
    for (const path of new Set([...this.names.keys(), ...this.synced.keys()])) {
      const then = this.synced.get(path)
      if (this.names.get(path) === then || random() < 0.5) continue
      if (then === undefined) this.names.delete(path)
      else this.names.set(path, then)
    }
    for (const inode of this.names.values()) {
      if (inode.data !== inode.synced) {
        inode.data = random() < 0.5 ? inode.synced : inode.data.subarray(0, Math.floor(random() * inode.data.length))
      }
      inode.synced = inode.data
    }
    this.synced = new Map(this.names)
  }

  /** The file system as one process sees it. */
  through(gate: Gate): FileSystem.FileSystem {
    const find = (method: string, path: string) =>
      Effect.suspend(() => {
        const inode = this.names.get(path)
        return inode === undefined ? Effect.fail(notFound(method, path)) : Effect.succeed(inode)
      })
    const folder = (path: string) => [...this.names.keys()].filter((name) => name.startsWith(`${path}/`))
    return FileSystem.makeNoop({
      exists: (path) => gate("exists", Effect.sync(() => this.names.has(path) || folder(path).length > 0)),
      readFile: (path) => gate("readFile", Effect.map(find("readFile", path), ({ data }) => data.slice())),
      readFileString: (path) =>
        gate("readFile", Effect.map(find("readFileString", path), ({ data }) => Buffer.from(data).toString())),
      readDirectory: (path) =>
        gate(
          "readDirectory",
          Effect.sync(() => [...new Set(folder(path).map((name) => name.slice(path.length + 1).split("/")[0]!))])
        ),
      stat: (path) => gate("stat", Effect.map(find("stat", path), infoOf)),
      rename: (from, to) =>
        gate(
          "rename",
          Effect.map(find("rename", from), (inode) => {
            this.names.delete(from)
            this.names.set(to, inode)
          })
        ),
      remove: (path) => gate("remove", Effect.sync(() => void this.names.delete(path))),
      open: (path, options) => gate("open", this.open(path, options?.flag ?? "r", gate))
    })
  }

  private open(path: string, flag: string, gate: Gate): Effect.Effect<FileSystem.File, PlatformError> {
    return Effect.suspend(() => {
      if (flag === "r") return Effect.succeed(this.folderHandle(path, gate))
      if (flag === "wx" && this.names.has(path)) {
        return Effect.fail(
          new SystemError({ reason: "AlreadyExists", module: "FileSystem", method: "open", pathOrDescriptor: path })
        )
      }
      const inode: Inode = this.names.get(path) ?? { data: NOTHING, synced: NOTHING }
      inode.data = NOTHING
      this.names.set(path, inode)
      return Effect.succeed(handle({
        writeAll: (bytes) =>
          gate(
            "writeAll",
            Effect.sync(() => {
              inode.data = Buffer.concat([inode.data, bytes])
            })
          ),
        sync: gate(
          "sync",
          Effect.sync(() => {
            inode.synced = inode.data
          })
        )
      }))
    })
  }

  private folderHandle(path: string, gate: Gate): FileSystem.File {
    const isIn = (name: string) => name.startsWith(`${path}/`) && !name.slice(path.length + 1).includes("/")
    return handle({
      writeAll: () => Effect.dieMessage("a folder is not written to"),
      sync: gate(
        "syncFolder",
        Effect.sync(() => {
          for (const name of this.synced.keys()) if (isIn(name)) this.synced.delete(name)
          for (const [name, inode] of this.names) if (isIn(name)) this.synced.set(name, inode)
        })
      )
    })
  }
}

const NOTHING = new Uint8Array(0)

const notFound = (method: string, path: string) =>
  new SystemError({ reason: "NotFound", module: "FileSystem", method, pathOrDescriptor: path })

const infoOf = ({ data }: Inode): FileSystem.File.Info => ({
  type: "File",
  mtime: Option.none(),
  atime: Option.none(),
  birthtime: Option.none(),
  dev: 0,
  ino: Option.none(),
  mode: 0o600,
  nlink: Option.none(),
  uid: Option.none(),
  gid: Option.none(),
  rdev: Option.none(),
  size: FileSystem.Size(data.length),
  blksize: Option.none(),
  blocks: Option.none()
})

const unused = () => Effect.dieMessage("the daemon does not do that with files")

const handle = (file: Pick<FileSystem.File, "sync" | "writeAll">): FileSystem.File => ({
  [FileSystem.FileTypeId]: FileSystem.FileTypeId,
  fd: FileSystem.FileDescriptor(0),
  stat: unused(),
  seek: unused,
  read: unused,
  readAlloc: unused,
  truncate: unused,
  write: unused,
  ...file
})
