/**
 * What must still hold after a kill: all that a daemon had shown is there, nothing is there twice, and what it had
 * said to be at the target can be proven from the target alone. A test of a deliberately wrong order of writes shows
 * that these functions find what they are for.
 */
import { makeDisk } from "@sealog/adapters/storage/Disk"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { makeFetch } from "@sealog/core/restore/Fetch"
import { openLog } from "@sealog/core/restore/Open"
import { verifyBlobs } from "@sealog/core/restore/Verify"
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { join } from "node:path"
import { type Machine, PASSWORD } from "../support/Machine.ts"
import { openRingAt } from "../support/Pipeline.ts"

/** What a person or a script had been shown before a kill; it grows over the kills of one machine. */
export interface Shown {
  /** Roots by tree size, as `status` had told them. */
  readonly heads: Map<number, string>
  /** Lines of `log`, by index. */
  readonly lines: Map<number, string>
  /** How far `status` had said that the target has the log. */
  shipped: number
  /** How many events it had said were taken from the store. */
  captured: number
  /** Where it contradicted itself over a kill. */
  readonly contradictions: Array<string>
}

export const makeShown = (): Shown => ({
  heads: new Map(),
  lines: new Map(),
  shipped: 0,
  captured: 0,
  contradictions: []
})

/** Notes a status report. */
export const noteStatus = (shown: Shown, status: Record<string, unknown>): void => {
  const { root, sources, targets, treeSize } = status as {
    readonly treeSize: number
    readonly root: string
    readonly sources: ReadonlyArray<{ readonly events: number }>
    readonly targets: ReadonlyArray<{ readonly shippedTreeSize: number }>
  }
  const before = Math.max(0, ...shown.heads.keys())
  if (treeSize < before) shown.contradictions.push(`status went back from ${before} events to ${treeSize}`)
  shown.heads.set(treeSize, root)
  for (const { shippedTreeSize } of targets) shown.shipped = Math.max(shown.shipped, shippedTreeSize)
  shown.captured = sources.reduce((sum, { events }) => sum + events, 0)
}

/** Notes a line of the log, which after a kill tells everything from the first event again. */
export const noteLine = (shown: Shown, line: Record<string, unknown>): void => {
  const index = Number(line["index"])
  const text = JSON.stringify(line)
  const before = shown.lines.get(index)
  if (before !== undefined && before !== text) shown.contradictions.push(`event ${index} is another than it was`)
  shown.lines.set(index, text)
}

/** What is at a target, read with nothing but the vault's key. */
export interface Examined {
  /** Why it is not a whole vault up to its end; nothing where it is. */
  readonly findings: ReadonlyArray<string>
  readonly size: number
  readonly rootAt: (size: number) => string | undefined
}

/** The keys of a machine's vault, from the slot at the target. */
export const openRing = ({ vault }: Pick<Machine, "vault">) => openRingAt(vault, PASSWORD)

/** Reads and proves every byte at the target, blobs too: at any moment it must be whole as far as it goes. */
export const examine = Effect.fn("Checker.examine")(function*(
  machine: Pick<Machine, "vault">,
  ring: KeyRingShape,
  sizes: ReadonlyArray<number> = []
) {
  if (!fs.existsSync(join(machine.vault, "log"))) {
    return { findings: [], size: 0, rootAt: () => undefined } satisfies Examined
  }
  const fetch = yield* makeFetch([{ name: "vault", storage: yield* makeDisk(machine.vault) }], ring)
  const findings: Array<string> = fetch.foreign.map(({ object }) => `${object} is foreign`)
  let size = 0
  const roots = new Map<number, Uint8Array | undefined>()
  for (const log of fetch.writers) {
    const opened = yield* openLog(fetch, log, {
      rootsAt: sizes,
      everyObject: true,
      take: ({ events, first, writer }) =>
        Effect.map(verifyBlobs(fetch, writer, first, events), (found) => {
          findings.push(...found.map(({ first: at, reason }) => `${reason} of event ${at}`))
        })
    })
    findings.push(...opened.findings.map(({ first, last, reason }) => `${reason} of events ${first} to ${last}`))
    size = Math.max(size, opened.head.size)
    for (const each of sizes) roots.set(each, opened.rootAt(each) ?? roots.get(each))
  }
  const rootAt = (at: number) => {
    const root = roots.get(at)
    return root && Buffer.from(root).toString("hex")
  }
  return { findings, size, rootAt } satisfies Examined
})

/** What the target lacks of what was said to be there; nothing where all is well. */
export const missingAtTarget = (
  shown: Pick<Shown, "shipped">,
  { findings, size }: Examined
): ReadonlyArray<string> => [
  ...findings,
  ...(size < shown.shipped ? [`events ${size} to ${shown.shipped - 1} were said to be at the target`] : [])
]

/** What the log lacks of what had been shown; nothing where all is well. */
export const lost = (
  shown: Shown,
  now: { readonly lines: ReadonlyArray<Record<string, unknown>>; readonly rootAt: Examined["rootAt"] }
): ReadonlyArray<string> => {
  const missing = [...shown.contradictions]
  now.lines.forEach((line, at) => {
    if (line["index"] !== at) missing.push(`line ${at} of the log is event ${String(line["index"])}`)
  })
  for (const [index, text] of shown.lines) {
    const line = now.lines[index]
    if (line === undefined) missing.push(`event ${index} was shown and is gone`)
    else if (JSON.stringify(line) !== text) missing.push(`event ${index} was shown and is another`)
  }
  for (const [size, root] of shown.heads) {
    if (size > now.lines.length) missing.push(`a log of ${size} events was shown and has ${now.lines.length}`)
    else if (size > 0 && now.rootAt(size) !== root) {
      missing.push(`the first ${size} events are not those that were shown`)
    }
  }
  return missing
}

/** Messages that were added more than once. */
export const doubled = (lines: ReadonlyArray<Record<string, unknown>>): ReadonlyArray<string> => {
  const added = new Map<string, number>()
  for (const line of lines) {
    if (line["kind"] !== "message.added") continue
    const { message } = line["body"] as { readonly message: { readonly key: string } }
    const key = `${String(line["source"])} ${message.key}`
    added.set(key, (added.get(key) ?? 0) + 1)
  }
  return [...added].filter(([, count]) => count !== 1).map(([key, count]) => `${key} was added ${count} times`)
}
