/**
 * What is left of a journal whose LevelDB cannot be trusted, or does not open: every record in every file that matches
 * its checksum, whatever the MANIFEST says of the file, and of these only what opens under its own key. The files are
 * read and nothing else is done to them.
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import { JournalError } from "@sealog/core/backup/Journal"
import type { LogName, Salvage, SalvagedLog } from "@sealog/core/backup/Salvage"
import { decodeBlock } from "@sealog/core/format/Block"
import type { FormatError } from "@sealog/core/format/FormatError"
import { Effect, Either, Option } from "effect"
import { Buffer } from "node:buffer"
import * as Keys from "./LevelKeys.ts"
import {
  type CurrentRecord,
  decodeCurrent,
  decodeHead,
  decodeRoot,
  type MarkRecord,
  type RootRecord
} from "./LevelRecords.ts"
import type { LevelSeal, Place } from "./LevelSeal.ts"
import { type Found, makeValues, newLog, readIndex } from "./SalvageIndex.ts"

export interface LevelSalvage extends Salvage {
  /** More than any write that is known of. */
  readonly writes: number
}

/** Reads the files of these folders of LevelDB: the one that is damaged, and what an opening of it began with. */
export const salvageLevel = Effect.fn("LevelSalvage.salvage")(function*(options: {
  readonly fs: FileSystem
  readonly folders: ReadonlyArray<string>
  readonly sealer: LevelSeal
  /** The newest head as it was noted beside LevelDB. */
  readonly mark: Option.Option<MarkRecord>
}): Effect.fn.Return<LevelSalvage, JournalError> {
  const { sealer } = options
  const mark = Option.getOrUndefined(options.mark)
  const index = yield* readIndex(options.fs, options.folders)
  const newest = makeNewest(sealer, makeValues(options.fs))
  const root = yield* newest<RootRecord>(index.root, { key: Keys.ROOT }, decodeRoot)
  const current = yield* newest<CurrentRecord>(index.current, { key: Keys.CURRENT }, decodeCurrent)

  /** Under which number the records of a writer stand: the root says so, or the first of them that opens as his. */
  const numberOf = Effect.fn("LevelSalvage.numberOf")(function*(writer: Uint8Array) {
    const told = root?.logs.find((log) => same(log.writer, writer))?.number
    if (told !== undefined) return told
    for (const [number, { heads }] of index.logs) {
      for (const [size, found] of heads) {
        const key = Keys.inLog(number, Keys.HEAD, size)
        if ((yield* newest(found, { key, writer }, decodeHead)) !== undefined) return number
      }
    }
    return undefined
  })

  const log = Effect.fn("LevelSalvage.log")(function*(writer: Uint8Array) {
    const number = yield* numberOf(writer)
    const told = [
      ...(current !== undefined && current.log === number ? [current.size] : []),
      ...(mark !== undefined && same(mark.writer, writer) ? [mark.size] : [])
    ]
    const found = number === undefined ? undefined : index.logs.get(number)
    return salvagedLog({ newest, writer, number: number ?? 0, told }, found ?? newLog())
  })

  const tells = current !== undefined && current.log === root?.logs.at(-1)?.number && index.isWhole
  return {
    logs: logsOf(root, mark),
    log,
    sessions: root?.sessions ?? [],
    isSure: mark !== undefined || tells,
    writes: Math.max(mark?.writes ?? 0, current?.writes ?? 0)
  }
})

/** Gives the newest of some values that opens and decodes. */
const makeNewest = (sealer: LevelSeal, values: ReturnType<typeof makeValues>) =>
  Effect.fn("LevelSalvage.newest")(function*<A>(
    found: ReadonlyArray<Found>,
    place: Place,
    decode: (bytes: Uint8Array) => Either.Either<A, FormatError>
  ): Effect.fn.Return<A | undefined, JournalError> {
    for (const each of found) {
      const opened = Either.map(sealer.open(place, yield* values(each)), decode)
      if (Either.isLeft(opened)) continue
      if (Either.isRight(opened.right)) return opened.right.right
      if (opened.right.left.reason !== "Unknown") continue
      return yield* new JournalError({ reason: "Unsupported", method: "heal", cause: opened.right.left })
    }
    return undefined
  })

const salvagedLog = (
  { newest, number, told, writer }: {
    readonly newest: ReturnType<typeof makeNewest>
    readonly writer: Uint8Array
    readonly number: number
    /** Sizes that records of the whole journal tell. */
    readonly told: ReadonlyArray<number>
  },
  { entries, heads }: ReturnType<typeof newLog>
): SalvagedLog => ({
  starts: [...entries.keys()].toSorted((a, b) => a - b),
  known: [...heads.keys(), ...told].reduce((most, size) => Math.max(most, size), 0),
  block: (first) =>
    Effect.map(
      newest(entries.get(first) ?? [], { key: Keys.inLog(number, Keys.ENTRY, first), writer }, decodeBlock),
      (block) => Option.filter(Option.fromNullable(block), (found) => found.first === first)
    ),
  rootAt: (size) =>
    Effect.map(
      newest(heads.get(size) ?? [], { key: Keys.inLog(number, Keys.HEAD, size), writer }, decodeHead),
      (head) => Option.map(Option.fromNullable(head), (found) => found.root)
    )
})

/** A root that a later one should have followed does not know the log that the mark names. */
const logsOf = (root: RootRecord | undefined, mark: MarkRecord | undefined): ReadonlyArray<LogName> => {
  const logs = root?.logs.map(({ left, writer }): LogName => ({ writer, left })) ?? []
  return mark === undefined || logs.some(({ writer }) => same(writer, mark.writer))
    ? logs
    : [...logs, { writer: mark.writer }]
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
