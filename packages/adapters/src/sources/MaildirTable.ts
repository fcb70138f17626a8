/**
 * What a Maildir source remembers: a fold of its own events, kept as short lines of text, and the same turned round
 * for a scan, by folder and file name. The fold must come out the same when a log is replayed on another machine, so
 * it looks at the event and at the table and at nothing else.
 *
 * | key | value |
 * |---|---|
 * | `m:` message key | index of its `message.added`, size, whether its time is a guess, places |
 * | `f:` path of another file | size, mtime |
 * | `c:` folder | |
 * | `g:` what could not be read | why |
 */
import type { SourceState, SourceTable } from "@sealog/core/backup/Source"
import type { Content, Event, Place } from "@sealog/core/message/Event"
import { join, pathOfPlace, sortPlaces } from "./MaildirName.ts"

/** One message, as the events left it. No places: it is gone from the store, but can come back. */
export interface Known {
  readonly origin: number | undefined
  readonly size: number
  /** Its time was taken from the file's, and moves with that. */
  readonly undated: boolean
  readonly places: ReadonlyArray<Place>
}

export const remember = (event: Event, index: number, table: SourceTable): void => {
  switch (event.kind) {
    case "message.added":
    case "message.edited": {
      const { atQuality, content, key, places } = event.message
      const known = read(table, key)
      return write(table, key, {
        origin: event.kind === "message.added" ? index : known?.origin,
        size: sizeOf(content) ?? known?.size ?? -1,
        undated: atQuality === "unknown",
        places: places ?? known?.places ?? []
      })
    }
    case "message.flags":
    case "message.restored": {
      const known = read(table, event.key)
      if (known === undefined) return
      return write(table, event.key, { ...known, places: event.places ?? known.places })
    }
    case "message.removed": {
      const known = read(table, event.key)
      if (known === undefined) return
      return write(table, event.key, { ...known, places: [] })
    }
    case "file.upsert":
      return table.set(`f:${event.path}`, `${sizeOf(event.content) ?? -1} ${event.mtimeNs}`)
    case "file.removed":
      return table.delete(`f:${event.path}`)
    case "chat.upsert":
      if (event.folder !== undefined) table.set(`c:${event.folder}`, "")
      return
    case "chat.removed":
      if (event.folder !== undefined) table.delete(`c:${event.folder}`)
      return
    case "source.gap":
      if (event.closed === true) table.delete(`g:${event.subject}`)
      else table.set(`g:${event.subject}`, event.reason)
  }
}

export const gapsOf = (state: SourceState): ReadonlyArray<{ readonly subject: string; readonly reason: string }> => {
  const gaps: Array<{ readonly subject: string; readonly reason: string }> = []
  for (const [key, reason] of state) if (key.startsWith("g:")) gaps.push({ subject: key.slice(2), reason })
  return gaps
}

/** A file of a message in its folder, as a scan looks it up. */
export interface KnownFile {
  readonly key: string
  readonly size: number
  readonly mtimeNs: bigint
  /** Other messages that are remembered in the same place: a pass was cut short between one's end and one's begin. */
  readonly others?: ReadonlyArray<string>
}

/** The table, by folder: follows it from pass to pass at the cost of what has changed. */
export interface MaildirIndex {
  /** Read out of its line when it is asked for: few of them ever are. */
  readonly messages: { readonly get: (key: string) => Known | undefined }
  /** By `folder/sub`, then by name. */
  readonly folders: ReadonlyMap<string, ReadonlyMap<string, KnownFile>>
  readonly files: ReadonlyMap<string, { readonly size: number; readonly mtimeNs: bigint }>
  readonly chats: ReadonlySet<string>
  readonly gaps: ReadonlyMap<string, string>
  /** The same fold, of which this index notes what it writes. */
  readonly remember: typeof remember
  /**
   * Takes the table as it is now; gives the `folder/sub` of every message that is not as it was. Of the table that it
   * took before only what was noted since is looked at, unless all of it shall be.
   */
  readonly follow: (state: SourceState, all: boolean) => ReadonlySet<string>
}

export const makeMaildirIndex = (): MaildirIndex => {
  const seen = new Map<string, string>()
  const index = {
    folders: new Map<string, Map<string, KnownFile>>(),
    files: new Map<string, { readonly size: number; readonly mtimeNs: bigint }>(),
    chats: new Set<string>(),
    gaps: new Map<string, string>()
  }
  /** Keys that were written since the table was taken. */
  const noted = new Set<string>()
  let taken: SourceState | undefined
  const follow = (state: SourceState, all: boolean) => {
    const touched = new Set<string>()
    const compare = (entry: string) => {
      const [before, value] = [seen.get(entry), state.get(entry)]
      if (before === value) return
      if (value === undefined) seen.delete(entry)
      else seen.set(entry, value)
      applyEntry(index, entry, { before, value }, touched)
    }
    if (state === taken && !all) noted.forEach(compare)
    else {
      for (const entry of state.keys()) compare(entry)
      if (seen.size !== state.size) { for (const entry of seen.keys()) compare(entry) }
    }
    noted.clear()
    taken = state
    return touched
  }
  return {
    ...index,
    messages: {
      get: (key) => {
        const line = seen.get(`m:${key}`)
        return line === undefined ? undefined : decode(line)
      }
    },
    follow,
    remember: (event, at, table) =>
      remember(event, at, {
        get: table.get,
        set: (key, value) => {
          noted.add(key)
          table.set(key, value)
        },
        delete: (key) => {
          noted.add(key)
          table.delete(key)
        }
      })
  }
}

interface Tables {
  readonly folders: Map<string, Map<string, KnownFile>>
  readonly files: Map<string, { readonly size: number; readonly mtimeNs: bigint }>
  readonly chats: Set<string>
  readonly gaps: Map<string, string>
}

const applyEntry = (
  index: Tables,
  entry: string,
  { before, value }: { readonly before: string | undefined; readonly value: string | undefined },
  touched: Set<string>
): void => {
  const key = entry.slice(2)
  switch (entry.slice(0, 2)) {
    case "m:": {
      if (before !== undefined) leave(index, key, decode(before), touched)
      if (value !== undefined) enter(index, key, decode(value), touched)
      return
    }
    case "f:": {
      if (value === undefined) index.files.delete(key)
      else {
        const [size = "-1", mtimeNs = "0"] = value.split(" ")
        index.files.set(key, { size: Number(size), mtimeNs: BigInt(mtimeNs) })
      }
      return
    }
    case "c:":
      return void (value === undefined ? index.chats.delete(key) : index.chats.add(key))
    case "g:":
      return void (value === undefined ? index.gaps.delete(key) : index.gaps.set(key, value))
  }
}

const enter = ({ folders }: Tables, key: string, known: Known, touched: Set<string>): void => {
  for (const { folder, mtimeNs, name, sub } of known.places) {
    const path = join(folder, sub)
    touched.add(path)
    let names = folders.get(path)
    if (names === undefined) folders.set(path, names = new Map())
    const there = names.get(name)
    const file = { key, size: known.size, mtimeNs: BigInt(mtimeNs) }
    names.set(name, there === undefined ? file : { ...file, others: [there.key, ...(there.others ?? [])] })
  }
}

const leave = ({ folders }: Tables, key: string, known: Known, touched: Set<string>): void => {
  for (const { folder, name, sub } of known.places) {
    const path = join(folder, sub)
    touched.add(path)
    const names = folders.get(path)
    const there = names?.get(name)
    if (names === undefined || there === undefined) continue
    const left = [there.key, ...(there.others ?? [])].filter((other) => other !== key)
    // Which of them the size and time were of is not known any more: no file has these, so it will be looked at.
    if (left[0] !== undefined) names.set(name, { key: left[0], size: -1, mtimeNs: 0n, others: left.slice(1) })
    else names.delete(name)
    if (names.size === 0) folders.delete(path)
  }
}

/** A time in nanoseconds as events have it: a number where that is exact. */
export const int64 = (value: bigint): number | bigint => {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

const sizeOf = (content: Content | undefined): number | undefined =>
  content === undefined ? undefined : content._tag === "inline" ? content.bytes.length : content.size

const read = (table: SourceTable, key: string): Known | undefined => {
  const value = table.get(`m:${key}`)
  return value === undefined ? undefined : decode(value)
}

const write = (table: SourceTable, key: string, known: Known): void => table.set(`m:${key}`, encode(known))

/**
 * `origin size undated//mtimeNs/folder/sub/name//…`. A name holds no slash and a folder no two in a row, so nothing
 * needs to be escaped; fifty thousand are read each time a source is opened.
 */
const encode = ({ origin, places, size, undated }: Known): string => {
  let line = `${origin ?? "-"} ${size} ${undated ? 1 : 0}`
  for (const place of sortPlaces(places)) line += `//${place.mtimeNs}/${pathOfPlace(place)}`
  return line
}

const decode = (value: string): Known => {
  // In single steps: splitting makes a list and three texts of each, when fifty thousand are read.
  const [first, ends] = [value.indexOf(" "), value.indexOf("//")]
  const head = ends < 0 ? value.length : ends
  const second = value.indexOf(" ", first + 1)
  const places = ends < 0 ? "" : value.slice(ends + 2)
  return {
    origin: value.startsWith("-") ? undefined : Number(value.slice(0, first)),
    size: Number(value.slice(first + 1, second)),
    undated: value.slice(second + 1, head) === "1",
    places: ends < 0 ? [] : places.includes("//") ? places.split("//").map(decodePlace) : [decodePlace(places)]
  }
}

const decodePlace = (line: string): Place => {
  const time = line.indexOf("/")
  const name = line.lastIndexOf("/")
  const sub = line.lastIndexOf("/", name - 1)
  return {
    folder: sub > time ? line.slice(time + 1, sub) : "",
    sub: line.slice(sub + 1, name) === "new" ? "new" : "cur",
    name: line.slice(name + 1),
    mtimeNs: int64(BigInt(line.slice(0, time)))
  }
}
