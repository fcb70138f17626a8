/**
 * One pass over a Maildir: a scan, then what it found turned into facts. New folders and other files come first, then
 * mails in batches as they are read, then what is gone: only at the end is it known what has merely moved. A message
 * is known by its base name and bytes, so a move or a change of flags is one fact with the places it has now.
 */
import type { Batch, Draft } from "@sealog/core/backup/Source"
import { INLINE_CONTENT_BYTES } from "@sealog/core/format/Limits"
import type { Fact, Place } from "@sealog/core/message/Event"
import { conversationOfFolder, textOfName } from "@sealog/core/message/MailFolder"
import { Clock, Effect, Option, Stream } from "effect"
import { breathe } from "./Breath.ts"
import { atOfPlaces, largeOf, messageOf } from "./MaildirMessage.ts"
import { baseOf, conversationOf, flagsOf, join, keyOf, pathOfPlace, samePlaces, sortPlaces } from "./MaildirName.ts"
import type { MaildirReader } from "./MaildirReader.ts"
import { type Found, isBlind, isGone, reasonOf, type Scan } from "./MaildirScan.ts"
import { type Failure, type MaildirStore, SETTLED_NS, type Stat, type Taken } from "./MaildirStore.ts"
import { int64, type Known, type MaildirIndex } from "./MaildirTable.ts"

/** A batch ends at this many drafts, or … */
const BATCH_DRAFTS = 2_000
/** … when their content is this long, bytes. */
const BATCH_BYTES = 2 * 1024 * 1024
/** Files read before others may run: about ten milliseconds. */
const BREATH_TASKS = 400
const SETTLED_MILLIS = Number(SETTLED_NS / 1_000_000n)

export interface Pass {
  readonly store: MaildirStore
  readonly reader: MaildirReader
  readonly index: MaildirIndex
  readonly scan: Scan
  /** Messages that were missed in the pass before too; this one replaces them. */
  readonly missing: Set<string>
  /** Asks for another pass soon. */
  readonly again: () => void
}

/** What a pass has come upon so far. */
interface Progress extends Pass {
  /** Messages that were met, as this pass leaves them. */
  readonly met: Map<string, Known>
  readonly gaps: Map<string, string>
  /** Files that may still be being written. */
  readonly young: Array<Found>
  /** Base names that are somewhere, but could not be read there just now. */
  readonly elusive: Set<string>
  unsettled: boolean
}

/** Adds what it finds to the drafts, and gives the length of their content. */
type Task = (drafts: Array<Draft>) => number

export const batches = (pass: Pass): Stream.Stream<Batch> => {
  const progress: Progress = {
    ...pass,
    met: new Map(),
    gaps: new Map(pass.scan.gaps),
    young: [],
    elusive: new Set(),
    unsettled: pass.scan.moving
  }
  return run(() => [...newFolders(pass), ...otherFiles(progress)]).pipe(
    Stream.concat(mails(progress, pass.scan.fresh, "first")),
    Stream.concat(Stream.unwrap(settling(progress))),
    Stream.concat(run(() => endings(progress)))
  )
}

/** Works through tasks, a batch at a time. */
const run = (tasks: () => ReadonlyArray<Task>): Stream.Stream<Batch> =>
  Stream.suspend(() => {
    const todo = tasks()
    return Stream.unfoldEffect(0, (from) => nextBatch(todo, from)).pipe(
      Stream.filter((batch) => batch.drafts.length > 0)
    )
  })

const nextBatch = Effect.fnUntraced(function*(todo: ReadonlyArray<Task>, from: number) {
  if (from >= todo.length) return Option.none()
  const drafts: Array<Draft> = []
  let bytes = 0
  let next = from
  while (next < todo.length && drafts.length < BATCH_DRAFTS && bytes < BATCH_BYTES) {
    bytes += todo[next++]!(drafts)
    if ((next - from) % BREATH_TASKS === 0) yield* breathe
  }
  const batch: Batch = { drafts }
  return Option.some([batch, next] as const)
})

/** Files that looked unfinished get a second look once they would be old enough. */
const settling = Effect.fnUntraced(function*(progress: Progress) {
  if (progress.young.length === 0) return Stream.empty
  yield* Effect.sleep(SETTLED_MILLIS)
  const again = progress.young.splice(0).flatMap((file): ReadonlyArray<Found> => {
    const stat = progress.store.stat(pathOfPlace(file))
    if (stat._tag === "stat" && stat.type === "file") return [{ ...file, stat }]
    elude(progress, file)
    return []
  })
  return mails(progress, again, "last")
})

const newFolders = ({ index, scan }: Pass): ReadonlyArray<Task> =>
  [...scan.folders].filter((folder) => !index.chats.has(folder)).toSorted().map((folder) => (drafts) => {
    drafts.push({ fact: { kind: "chat.upsert", conversation: conversationOfFolder(folder), folder } })
    return 0
  })

/** Files that are no messages, new ones and changed ones. */
const otherFiles = (progress: Progress): ReadonlyArray<Task> => {
  const { index, scan, store } = progress
  const tasks: Array<Task> = []
  for (const [path, stat] of scan.files) {
    const known = index.files.get(path)
    if (known !== undefined && known.size === stat.size && known.mtimeNs === stat.mtimeNs) continue
    tasks.push((drafts) => {
      const taken = store.take(path, stat)
      if (taken._tag === "taken") {
        drafts.push(fileDraft(store, path, taken))
        return taken.bytes?.length ?? 0
      }
      if (taken._tag === "failure" && !isGone(taken)) progress.gaps.set(textOfName(path), reasonOf(taken))
      else progress.again()
      return 0
    })
  }
  return tasks
}

const fileDraft = (store: MaildirStore, path: string, taken: Taken): Draft => {
  const fact = { kind: "file.upsert", conversation: "", path, mtimeNs: int64(taken.mtimeNs) } as const
  const content = { _tag: "inline", bytes: taken.bytes ?? new Uint8Array(0) } as const
  // Capture replaces the content of a long one by where it stored it.
  return taken.bytes === undefined
    ? { fact: { ...fact, content }, large: largeOf(store, path, taken) }
    : { fact: { ...fact, content }, sha256: taken.sha256 }
}

/** Files of one base name may be one message, so they are read together; in order of name, which mostly is time. */
export interface SameBase {
  readonly base: string
  readonly files: ReadonlyArray<Found>
}

/** Takes the files in groups, the first ones first; what was taken is held no longer. */
export const byBase = (found: ReadonlyArray<Found>): { readonly next: () => SameBase | undefined } => {
  const left = found.map((file) => ({ base: baseOf(file.name), file }))
  left.sort((a, b) => a.base < b.base ? 1 : a.base > b.base ? -1 : 0)
  return {
    next: () => {
      const first = left.pop()
      if (first === undefined) return undefined
      const files = [first.file]
      while (left.at(-1)?.base === first.base) files.push(left.pop()!.file)
      return { base: first.base, files }
    }
  }
}

/** Mails as they are read, a batch at a time. */
const mails = (progress: Progress, found: Array<Found>, turn: "first" | "last"): Stream.Stream<Batch> =>
  Stream.suspend(() => {
    const groups = byBase(found.splice(0))
    const next = Effect.gen(function*() {
      const some = portion(groups)
      if (some.length === 0) return Option.none()
      const nowNs = BigInt(yield* Clock.currentTimeMillis) * 1_000_000n
      const files = some.flatMap((group) => group.files.map((file) => ({ path: pathOfPlace(file), stat: file.stat })))
      const { release, results } = yield* progress.reader.take(files, nowNs)
      const drafts: Array<Draft> = []
      let at = 0
      for (const { base, files: group } of some) {
        mail(progress, { base, turn, files: group.map((file) => ({ file, taken: results[at++]! })) }, drafts)
      }
      return Option.some([{ drafts, release }, undefined] as const)
    })
    return Stream.unfoldEffect(undefined, () => next).pipe(Stream.filter(({ drafts }) => drafts.length > 0))
  })

/** As many mails as make one batch. */
const portion = (groups: ReturnType<typeof byBase>): ReadonlyArray<SameBase> => {
  const some: Array<SameBase> = []
  let bytes = 0
  let files = 0
  while (files < BATCH_DRAFTS && bytes < BATCH_BYTES) {
    const group = groups.next()
    if (group === undefined) break
    some.push(group)
    for (const { stat: { size } } of group.files) {
      files++
      if (size < INLINE_CONTENT_BYTES) bytes += size
    }
  }
  return some
}

/** One mail, or several of one base name. */
const mail = (
  progress: Progress,
  { base, files, turn }: {
    readonly base: string
    readonly files: ReadonlyArray<{ readonly file: Found; readonly taken: ReturnType<MaildirStore["take"]> }>
    readonly turn: "first" | "last"
  },
  drafts: Array<Draft>
): void => {
  const messages = new Map<string, { readonly taken: Taken; readonly path: string; readonly places: Array<Place> }>()
  // One message may lie in several of them: they wait together for the one that is not finished.
  const waits = turn === "first" && files.length > 1 && files.some(({ taken }) => taken._tag === "unsteady")
  for (const { file, taken } of files) {
    if (waits) {
      missed(progress, file, UNFINISHED)
      continue
    }
    if (taken._tag !== "taken") {
      missed(progress, file, taken)
      continue
    }
    const key = keyOf(base, taken.sha256)
    claim(progress, file, key)
    const message = messages.get(key)
    if (message === undefined) messages.set(key, { taken, path: pathOfPlace(file), places: [placeOf(file)] })
    else message.places.push(placeOf(file))
  }
  for (const [key, { path, places, taken }] of messages) meet(progress, key, places, () => ({ taken, path }), drafts)
}

const UNFINISHED = { _tag: "unsteady" } as const

const placeOf = ({ folder, name, stat, sub }: Found): Place => ({ folder, sub, name, mtimeNs: int64(stat.mtimeNs) })

/** A file that was there and could not be taken: what is remembered in its place stays. */
const missed = (progress: Progress, file: Found, why: Exclude<ReturnType<MaildirStore["take"]>, Taken>): void => {
  if (why._tag === "failure" && !isGone(why)) {
    progress.gaps.set(textOfName(pathOfPlace(file)), reasonOf(why))
    keepPlace(progress, file)
  } else if (why._tag === "failure") elude(progress, file)
  else {
    progress.young.push(file)
    keepPlace(progress, file)
  }
}

const keepPlace = ({ index, scan }: Progress, file: Found): void => {
  for (const key of rememberedAt(index, file)) scan.lost.get(key)?.delete(pathOfPlace(file))
}

/** The place is this message's now, and no other's that was remembered there. */
const claim = ({ index, scan }: Progress, file: Found, key: string): void => {
  for (const other of rememberedAt(index, file)) {
    if (other === key) continue
    const paths = scan.lost.get(other)
    if (paths === undefined) scan.lost.set(other, new Set([pathOfPlace(file)]))
    else paths.add(pathOfPlace(file))
  }
}

const rememberedAt = (index: MaildirIndex, { folder, name, sub }: Found): ReadonlyArray<string> => {
  const file = index.folders.get(join(folder, sub))?.get(name)
  return file === undefined ? [] : [file.key, ...(file.others ?? [])]
}

/** It moved away under our hands: whatever has its name is not taken for removed. */
const elude = (progress: Progress, file: Found): void => {
  progress.unsettled = true
  progress.elusive.add(baseOf(file.name))
  progress.again()
}

type Reread = () => { readonly taken: Taken; readonly path: string } | undefined

/** What the places of a message are now, as the one fact (or two) that says so. */
const meet = (
  progress: Progress,
  key: string,
  found: ReadonlyArray<Place>,
  reread: Reread,
  drafts: Array<Draft>
): void => {
  const { index, met, scan, store } = progress
  const remembered = index.messages.get(key)
  const lost = scan.lost.get(key)
  const before = met.get(key)?.places
    ?? remembered?.places.filter((place) => lost?.has(pathOfPlace(place)) !== true)
    ?? []
  const places = sortPlaces([...before, ...found])
  const known = met.get(key) ?? remembered
  const origin = known?.origin === undefined ? {} : { origin: known.origin }
  const conversation = conversationOf(places)
  const whole = (kind: "message.added" | "message.edited"): Draft | undefined => {
    const read = reread()
    if (read === undefined) return undefined
    const message = messageOf(key, read.taken, places)
    const fact: Fact = kind === "message.added"
      ? { kind, conversation, message }
      : { kind, conversation, message, ...origin }
    return read.taken.bytes === undefined
      ? { fact, large: largeOf(store, read.path, read.taken) }
      : { fact, sha256: read.taken.sha256 }
  }
  const push = (draft: Draft | undefined) => {
    if (draft === undefined) return progress.again()
    drafts.push(draft)
    // What is new is met once, with all that has its name: only what is remembered can also be missed somewhere.
    if (known !== undefined) met.set(key, { ...known, places })
  }
  const side = { key, flags: flagsOf(places), places, ...origin }
  if (known === undefined) push(whole("message.added"))
  else if (known.places.length === 0) {
    push({ fact: { kind: "message.restored", conversation, ...side } })
    if (known.undated) push(whole("message.edited"))
  } else if (!samePlaces(known.places, places)) {
    // A mail without a date has that of its file: where that changes, so does the message.
    if (known.undated && atOfPlaces(known.places) !== atOfPlaces(places)) push(whole("message.edited"))
    else push({ fact: { kind: "message.flags", conversation, ...side } })
  } else met.set(key, known)
}

/** What is gone, and what can and cannot be read. */
const endings = (progress: Progress): ReadonlyArray<Task> => {
  const { index, scan } = progress
  if (scan.lost.size > 0) progress.unsettled ||= moved(progress)
  const missing = new Set<string>()
  const tasks = [...scan.lost].flatMap(([key, paths]): ReadonlyArray<Task> => {
    const known = index.messages.get(key)
    if (known === undefined || paths.size === 0 || progress.met.has(key)) return []
    const left = known.places.filter((place) => !paths.has(pathOfPlace(place)))
    if (left.length > 0) return [(drafts) => (meet(progress, key, [], rereader(progress, left), drafts), 0)]
    const elusive = known.places.some(({ name }) => progress.elusive.has(baseOf(name)))
    if (progress.young.length > 0 || elusive || (progress.unsettled && !progress.missing.has(key))) {
      missing.add(key)
      progress.again()
      return []
    }
    return [just(removal(key, known))]
  })
  progress.missing.clear()
  for (const key of missing) progress.missing.add(key)
  if (progress.young.length > 0) progress.again()
  for (const path of index.files.keys()) {
    const gone = !scan.files.has(path) && !isBlind(scan, path)
    if (gone) tasks.push(just({ kind: "file.removed", conversation: "", path }))
  }
  for (const folder of index.chats) {
    const gone = !scan.folders.has(folder) && !isBlind(scan, folder)
    if (gone) tasks.push(just({ kind: "chat.removed", conversation: conversationOfFolder(folder), folder }))
  }
  return [...tasks, ...gapChanges(progress)]
}

const just = (fact: Fact): Task => (drafts) => (drafts.push({ fact }), 0)

const removal = (key: string, known: Known): Fact => ({
  kind: "message.removed",
  conversation: conversationOf(known.places),
  key,
  scope: "vanished",
  ...(known.origin === undefined ? {} : { origin: known.origin })
})

const rereader = ({ store }: Progress, places: ReadonlyArray<Place>): Reread => () => {
  for (const place of places) {
    const path = pathOfPlace(place)
    const stat = store.stat(path)
    const taken = stat._tag === "stat" && stat.type === "file" ? store.take(path, stat) : undefined
    if (taken?._tag === "taken") return { taken, path }
  }
  return undefined
}

/** Whether a folder changed since it was listed: something may have moved from where we had not looked to where we had. */
const moved = ({ scan, store }: Progress): boolean =>
  [...scan.times].some(([path, time]) => {
    const now: Stat | Failure = store.stat(path)
    return now._tag === "failure" || now.mtimeNs !== time
  })

const gapChanges = ({ gaps, index, scan }: Progress): ReadonlyArray<Task> => {
  const changes: Array<Task> = []
  for (const [subject, reason] of gaps) {
    if (index.gaps.get(subject) !== reason) {
      changes.push(just({ kind: "source.gap", conversation: "", subject, reason }))
    }
  }
  const blind = scan.blind.map(textOfName)
  for (const [subject, reason] of index.gaps) {
    const hidden = blind.some((folder) => subject.startsWith(`${folder}/`))
    if (gaps.has(subject) || hidden) continue
    changes.push(just({ kind: "source.gap", conversation: "", subject, reason, closed: true }))
  }
  return changes
}
