/**
 * A disk behind a page cache: what was synced is on it, what was not is anybody's guess. It follows a record of calls
 * and can at any moment be asked for a state that a power cut then could have left.
 *
 * The rules are those of POSIX and no kinder: syncing a file saves its bytes and its length, not its name; a name is
 * saved by syncing the folder. Unsynced bytes of each file are lost or kept by themselves, torn anywhere, in any order.
 * Changes of one folder's names reach the disk in their order, as with every file system that has a journal, and as
 * with any where a folder of this size is a block or two; those of two folders know nothing of each other.
 */
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { join } from "node:path"
import type { Call } from "./Recording.ts"

interface File {
  readonly kind: "file"
  synced: Buffer
  /** Since the last sync, in order. */
  pending: Array<Change>
}

type Change = { readonly offset: number; readonly bytes: Buffer } | { readonly length: number }

interface Folder {
  readonly kind: "folder"
  readonly names: Map<string, Node>
  readonly synced: Map<string, Node>
  pending: Array<Naming>
}

type Node = File | Folder

/** One change of a folder's names, as a whole on the disk or not: a rename takes the old name and gives the new one. */
interface Naming {
  readonly takes?: string
  readonly gives?: { readonly name: string; readonly node: Node }
}

export interface PageCache {
  readonly follow: (call: Call) => void
  /** Writes a state that a cut now could leave: each of these folders, as it would be, into a new one. */
  readonly leave: (folders: ReadonlyArray<readonly [path: string, to: string]>, loss: Loss) => void
}

/** What of the unsynced is lost: how many of the changes of a folder stay, and what is left of a file. */
export interface Loss {
  readonly namesKept: (changes: number) => number
  readonly left: (synced: Buffer, pending: ReadonlyArray<Change>) => Buffer
}

/** Begins with what is in this folder, all of it on the disk. */
export const makePageCache = (top: string): PageCache => {
  const root = emptyFolder()
  place(root, top, read(top))
  let descriptors = new Map<number, Node>()

  const follow = (call: Call): void => {
    switch (call.kind) {
      case "begin":
        descriptors = new Map()
        return
      case "open":
        descriptors.set(call.fd, open(root, call))
        return
      case "write":
        fileAt(descriptors, call.fd).pending.push({ offset: call.offset, bytes: call.bytes })
        return
      case "truncate":
        fileAt(descriptors, call.fd).pending.push({ length: call.length })
        return
      case "sync":
        return sync(nodeAt(descriptors, call.fd))
      case "said":
        return
      case "mkdir": {
        const { folder, name } = parentOf(root, call.path)
        return change(folder, { gives: { name, node: emptyFolder() } })
      }
      case "unlink":
      case "rmdir": {
        const { folder, name } = parentOf(root, call.path)
        return change(folder, { takes: name })
      }
      case "link": {
        const { folder, name } = parentOf(root, call.to)
        return change(folder, { gives: { name, node: find(root, call.from) } })
      }
      case "rename": {
        const from = parentOf(root, call.from)
        const to = parentOf(root, call.to)
        if (from.folder !== to.folder) throw new Error(`a move between folders is not modelled: ${call.from}`)
        return change(to.folder, { takes: from.name, gives: { name: to.name, node: find(root, call.from) } })
      }
    }
  }

  const leave: PageCache["leave"] = (folders, loss) => {
    // A file of two names has one content.
    const contents = new Map<File, Buffer>()
    const write = (node: Node, at: string): void => {
      if (node.kind === "file") {
        const content = contents.get(node) ?? loss.left(node.synced, node.pending)
        contents.set(node, content)
        fs.writeFileSync(at, content, { mode: 0o600 })
        return
      }
      fs.mkdirSync(at, { mode: 0o700 })
      const names = new Map(node.synced)
      for (const naming of node.pending.slice(0, loss.namesKept(node.pending.length))) apply(names, naming)
      for (const [name, child] of names) write(child, join(at, name))
    }
    for (const [path, to] of folders) write(find(root, path), to)
  }

  return { follow, leave }
}

/** What is left of a file when all of these changes are. */
export const changed = (synced: Buffer, changes: ReadonlyArray<Change>): Buffer => {
  let length = synced.length
  let most = length
  for (const each of changes) {
    length = "length" in each ? each.length : Math.max(length, each.offset + each.bytes.length)
    most = Math.max(most, length)
  }
  const bytes = Buffer.alloc(most)
  synced.copy(bytes)
  let end = synced.length
  for (const each of changes) {
    if ("length" in each) {
      // What is cut off and grown again is zero.
      if (each.length < end) bytes.fill(0, each.length, end)
      end = each.length
    } else {
      each.bytes.copy(bytes, each.offset)
      end = Math.max(end, each.offset + each.bytes.length)
    }
  }
  return bytes.subarray(0, end)
}

const emptyFolder = (): Folder => ({ kind: "folder", names: new Map(), synced: new Map(), pending: [] })

const read = (path: string): Node => {
  if (!fs.statSync(path).isDirectory()) return { kind: "file", synced: fs.readFileSync(path), pending: [] }
  const folder = emptyFolder()
  for (const name of fs.readdirSync(path)) place(folder, name, read(join(path, name)))
  return folder
}

/** Puts something where it has been all along. */
const place = (root: Folder, path: string, node: Node): void => {
  const names = namesOf(path)
  const last = names.pop()!
  const folder = names.reduce((at, name) => {
    const next = at.names.get(name) ?? emptyFolder()
    at.names.set(name, next)
    at.synced.set(name, next)
    return folderOf(next, name)
  }, root)
  folder.names.set(last, node)
  folder.synced.set(last, node)
}

const open = (root: Folder, { create, cut, path }: Extract<Call, { readonly kind: "open" }>): Node => {
  const { folder, name } = parentOf(root, path)
  const there = folder.names.get(name)
  if (there === undefined) {
    if (!create) throw new Error(`the record opens ${path}, which is not there`)
    const node: File = { kind: "file", synced: Buffer.alloc(0), pending: [] }
    change(folder, { gives: { name, node } })
    return node
  }
  if (cut && there.kind === "file") there.pending.push({ length: 0 })
  return there
}

const change = (folder: Folder, naming: Naming): void => {
  apply(folder.names, naming)
  folder.pending.push(naming)
}

const apply = (names: Map<string, Node>, { gives, takes }: Naming): void => {
  if (takes !== undefined) names.delete(takes)
  if (gives !== undefined) names.set(gives.name, gives.node)
}

const sync = (node: Node): void => {
  if (node.kind === "file") node.synced = changed(node.synced, node.pending)
  else for (const naming of node.pending) apply(node.synced, naming)
  node.pending = []
}

const namesOf = (path: string): Array<string> => path.split("/").filter((name) => name !== "")

const find = (root: Folder, path: string): Node =>
  namesOf(path).reduce<Node>((at, name) => {
    const next = folderOf(at, path).names.get(name)
    if (next === undefined) throw new Error(`the record names ${path}, which is not there`)
    return next
  }, root)

const parentOf = (root: Folder, path: string): { readonly folder: Folder; readonly name: string } => {
  const names = namesOf(path)
  const name = names.pop()!
  return { folder: folderOf(find(root, names.join("/")), path), name }
}

const folderOf = (node: Node, path: string): Folder => {
  if (node.kind !== "folder") throw new Error(`the record takes a file for a folder: ${path}`)
  return node
}

const nodeAt = (descriptors: ReadonlyMap<number, Node>, fd: number): Node => {
  const node = descriptors.get(fd)
  if (node === undefined) throw new Error(`the record uses descriptor ${fd}, which is not open`)
  return node
}

const fileAt = (descriptors: ReadonlyMap<number, Node>, fd: number): File => {
  const node = nodeAt(descriptors, fd)
  if (node.kind !== "file") throw new Error(`the record writes to a folder, descriptor ${fd}`)
  return node
}
