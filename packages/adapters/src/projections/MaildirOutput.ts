/**
 * The files of a Maildir that is being written: new ones beside, in the folder's stage, and what is to be moved or
 * removed noted, until all of it is put into place at once. What somebody else put there is never replaced.
 *
 * A restore that is killed while it does so and run again fetches anew what it misses, and finds the rest done.
 *
 * Tens of thousands of small files whose names are bytes: `node:fs`, synchronous, without an effect for each.
 */
import type { Place } from "@sealog/core/message/Event"
import { ProjectionError, type RestoredMessage } from "@sealog/core/restore/Projection"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { exists, isOurs, joinBytes, type RestoreFolder } from "./RestoreFolder.ts"

type Nanoseconds = number | bigint

interface Move {
  readonly from: Buffer
  readonly to: Buffer
  readonly mtimeNs: Nanoseconds
  /** Of what a restore wrote there, hex. */
  readonly sha256: string | undefined
}

interface Replaced {
  readonly path: Buffer
  readonly sha256: string | undefined
  /** Whether there is such a file now. */
  readonly stays: boolean
}

export class MaildirOutput {
  private readonly root: Buffer
  private readonly stage: Buffer
  private readonly scratch: Buffer
  private readonly made = new Set<string>()
  private readonly parents = new Map<string, Buffer>()
  private readonly moves: Array<Move> = []
  private readonly removals: Array<{ readonly path: Buffer; readonly sha256: string | undefined }> = []
  private readonly emptied: Array<Buffer> = []
  private readonly replaced = new Map<string, Replaced>()

  constructor({ dir, scratch, stage }: RestoreFolder) {
    this.root = Buffer.from(dir)
    this.stage = Buffer.from(stage)
    this.scratch = Buffer.from(scratch)
  }

  /** Where a new file is written until it counts; its folder is made. */
  staged(source: string, parts: ReadonlyArray<string>): Buffer {
    const path = pathOf(this.stage, source, parts)
    const parent = path.subarray(0, path.lastIndexOf(SLASH))
    const key = parent.toString("latin1")
    if (!this.made.has(key)) {
      fs.mkdirSync(parent, { recursive: true, mode: 0o700 })
      this.made.add(key)
    }
    return path
  }

  /** The same for a mail: its folder is looked at once, and not for each of the thousands in it. */
  stagedPlace(source: string, { folder, name, sub }: Place): Buffer {
    const key = `${source}/${folder}/${sub}`
    let parent = this.parents.get(key)
    if (parent === undefined) {
      const any = this.staged(source, partsOf({ folder, sub, name: ANY }))
      this.parents.set(key, parent = any.subarray(0, any.lastIndexOf(SLASH) + 1))
    }
    checkName(name)
    const path = Buffer.allocUnsafe(parent.length + name.length)
    path.set(parent)
    path.write(name, parent.length, "latin1")
    return path
  }

  folder(source: string, name: string, there: boolean): void {
    const parts = name === "" ? [] : name.split("/")
    for (const sub of SUBS) {
      if (there) this.staged(source, [...parts, sub, ANY])
      else this.emptied.push(pathOf(this.root, source, [...parts, sub]))
    }
    if (!there) this.emptied.push(pathOf(this.root, source, parts))
  }

  /**
   * One message's files: what it had and has not is moved or removed; the places whose bytes have to be written are
   * given back.
   */
  place({ after, before, source }: RestoredMessage): { readonly write: ReadonlyArray<Place>; readonly moved: number } {
    const had = placesOf(before)
    const has = placesOf(after)
    if (had.length === 0) return { write: has, moved: 0 }
    const sha256 = digestOf(before)
    const gone = had.filter((each) => !has.some((other) => samePlace(each, other)))
    const write: Array<Place> = []
    let moved = 0
    for (const next of has.filter((each) => !had.some((other) => samePlace(each, other)))) {
      const old = gone.findIndex((each) => exists(pathOf(this.root, source, partsOf(each))))
      if (old < 0) {
        write.push(next)
        continue
      }
      const from = pathOf(this.root, source, partsOf(gone.splice(old, 1)[0]!))
      this.moves.push({ from, to: pathOf(this.root, source, partsOf(next)), mtimeNs: next.mtimeNs, sha256 })
      moved++
    }
    for (const each of gone) this.removals.push({ path: pathOf(this.root, source, partsOf(each)), sha256 })
    return { write, moved }
  }

  /** A file that an earlier restore may have written, by the digest it had then, gives way: to another, or to none. */
  replace(source: string, path: string, sha256: string | undefined, stays: boolean): void {
    const file = pathOf(this.root, source, path.split("/"))
    this.replaced.set(`${source}/${path}`, { path: file, sha256, stays })
  }

  /** Takes away what is not there any more and moves what is elsewhere now; new files come with the folder's mark. */
  finish(): void {
    // All is looked at before any of it is touched: what somebody put in the place of a mail is not ours to take.
    const touched = this.moves.map(({ from: path, sha256: digest }) => ({ path, sha256: digest }))
    for (const { path, sha256 } of touched.concat(this.removals)) {
      if (exists(path) && !isOurs(path, sha256)) {
        throw new ProjectionError({ reason: "NotEmpty", method: "finish", subject: path.toString() })
      }
    }
    for (const [name, { path, sha256, stays }] of this.replaced) {
      if (stays || !exists(path)) continue
      if (!isOurs(path, sha256)) throw new ProjectionError({ reason: "NotEmpty", method: "finish", subject: name })
      fs.rmSync(path)
    }
    for (const { path } of this.removals) fs.rmSync(path, { force: true })
    // Out of the way first: names may be handed on, or round in a circle, and new mails may take old names.
    const aside = this.moves.map(({ from }, at) => {
      const path = joinBytes(this.scratch, Buffer.from(`moving-${at}`))
      fs.renameSync(from, path)
      return path
    })
    for (const [at, { mtimeNs, to }] of this.moves.entries()) {
      if (exists(to)) throw new ProjectionError({ reason: "NotEmpty", method: "finish", subject: to.toString() })
      makeParent(to)
      fs.renameSync(aside[at]!, to)
      fs.utimesSync(to, seconds(mtimeNs), seconds(mtimeNs))
    }
    for (const path of this.emptied) removeIfEmpty(path)
  }
}

/** Node sets times to the microsecond, cutting off the rest: half of one keeps a double on the right side of it. */
export const seconds = (ns: Nanoseconds): number => (Number(BigInt(ns) / 1_000n) + 0.5) / 1e6

/** Of the bytes of a message as it was restored, hex. */
const digestOf = (state: RestoredMessage["before"]): string | undefined => {
  const content = state?.message.content
  if (content === undefined) return undefined
  return content._tag === "inline"
    ? createHash("sha256").update(content.bytes).digest("hex")
    : Buffer.from(content.sha256).toString("hex")
}

/** Where a message is: nowhere once it is removed. */
export const placesOf = (state: RestoredMessage["after"]): ReadonlyArray<Place> =>
  state === undefined || state.removed !== undefined ? [] : state.message.places ?? []

const SLASH = 0x2f
const SUBS = ["cur", "new", "tmp"] as const
/** Stands for any file where only its folder is wanted. */
const ANY = "."

const partsOf = (place: Pick<Place, "folder" | "sub" | "name">): ReadonlyArray<string> => [
  ...(place.folder === "" ? [] : place.folder.split("/")),
  place.sub,
  place.name
]

/** A path under a root; names come out of a vault, so none of them may lead anywhere else. */
const pathOf = (root: Buffer, source: string, parts: ReadonlyArray<string>): Buffer => {
  const names = [Buffer.from(source).toString("latin1"), ...parts]
  names.forEach((name, at) => {
    if (name !== ANY || at < names.length - 1) checkName(name)
  })
  return names.map((name) => Buffer.from(name, "latin1")).reduce(joinBytes, root)
}

const checkName = (name: string): void => {
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
    throw new ProjectionError({ reason: "Io", method: "path", subject: JSON.stringify(name) })
  }
}

const samePlace = (a: Place, b: Place): boolean =>
  a.folder === b.folder && a.sub === b.sub && a.name === b.name && BigInt(a.mtimeNs) === BigInt(b.mtimeNs)

/** A folder that mails are moved to may be as new as they are there. */
const makeParent = (path: Buffer): void => {
  fs.mkdirSync(path.subarray(0, path.lastIndexOf(SLASH)), { recursive: true, mode: 0o700 })
}

/** A folder that is gone in the store goes, unless somebody put something in it. */
const removeIfEmpty = (path: Buffer): void => {
  try {
    fs.rmdirSync(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== "ENOTEMPTY" && code !== "ENOENT" && code !== "EEXIST") throw cause
  }
}
