/** The canonical form of a store, straight from it: what a restore of a vault with this source alone writes. */
import { FileSystem } from "@effect/platform"
import { makeLineSorter } from "@sealog/adapters/projections/LineSorter"
import type { StoreItem } from "@sealog/core/backup/Source"
import { linesOf } from "@sealog/core/message/CanonicalLines"
import { Effect, Stream } from "effect"
import { Buffer } from "node:buffer"
import type { KnownError } from "../Failure.ts"
import { homeError } from "../Home.ts"
import type { Spec } from "../Spec.ts"
import type { Adapters } from "./Adapters.ts"
import { openSource } from "./Places.ts"

/** Lines handed on at once, bytes. */
const PIECE_BYTES = 256 * 1024

export const dump = (spec: Spec): Stream.Stream<Uint8Array, KnownError, Adapters | FileSystem.FileSystem> =>
  Stream.unwrapScoped(Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const folder = yield* Effect.mapError(
      fs.makeTempDirectoryScoped({ prefix: "sealog-dump-" }),
      (cause) => homeError(cause, "dump", spec.spec)
    )
    const sorter = makeLineSorter(folder)
    const source = yield* openSource(spec)
    yield* source.dump().pipe(
      Stream.runForEach((items) =>
        Effect.forEach(
          items,
          Effect.fnUntraced(function*(item) {
            for (const { key, line } of yield* itemLines(source.name, item)) sorter.add(key, line)
          }),
          { discard: true }
        )
      )
    )
    return Stream.fromIterable(pieces(sorter.merge()))
  }))

const itemLines = (source: string, item: StoreItem) => {
  if (item._tag !== "message") return Effect.succeed([])
  const { conversation, large, message } = item
  const { content } = message
  if (large !== undefined) {
    const whole = {
      ...message,
      content: {
        _tag: "blob" as const,
        sha256: large.sha256,
        size: large.size,
        writer: new Uint8Array(8),
        epoch: 0,
        parts: []
      }
    }
    const bytes = Effect.map(Stream.runCollect(large.bytes), (chunks) => Buffer.concat([...chunks]))
    return linesOf(source, conversation, { message: whole }, { size: large.size, bytes })
  }
  const inline = content?._tag === "inline"
    ? { size: content.bytes.length, bytes: Effect.succeed(content.bytes) }
    : undefined
  return linesOf(source, conversation, { message }, inline)
}

function* pieces(lines: Iterable<{ readonly line: Buffer | undefined }>): Generator<Uint8Array> {
  let held: Array<Uint8Array> = []
  let size = 0
  for (const { line } of lines) {
    if (line === undefined) continue
    held.push(line, NEWLINE)
    size += line.length + 1
    if (size < PIECE_BYTES) continue
    yield Buffer.concat(held)
    held = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(held)
}

const NEWLINE = Buffer.from("\n")
