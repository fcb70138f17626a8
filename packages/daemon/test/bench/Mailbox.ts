/** The store that mail rows work on: made once and kept between runs, given new mails and rid of them again. */
import { deliver, generateMaildir } from "@sealog/adapters/testing/MailboxGenerator"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import type { KeptStore } from "./KeptStore.ts"

/** Counted up whenever the generator gives other mails, so that nobody measures on old ones. */
const GENERATION = 1

/** The Maildir of that many mails and that seed. */
export const keptMailbox = Effect.fn("bench.keptMailbox")(function*(options: {
  readonly folder: string
  readonly mails: number
  readonly seed: number
  readonly say: (line: string) => void
}) {
  const { folder, mails, say, seed } = options
  const root = join(folder, "stores", `maildir-${mails}-${seed}-v${GENERATION}`)
  if (!fs.existsSync(root)) {
    say(`making ${mails.toLocaleString("en")} mails`)
    const draft = `${root}.${process.pid}.tmp`
    fs.rmSync(draft, { recursive: true, force: true })
    yield* generateMaildir({ root: draft, count: mails, seed, oddNames: false })
    fs.renameSync(draft, root)
  }
  takeBack(root)
  return mailboxAt(root)
})

export const mailboxAt = (root: string): KeptStore => ({
  path: root,
  spec: `maildir:${root}`,
  format: "maildir",
  restored: "maildir",
  deliver: ({ count, seed: number }) => Effect.asVoid(deliver({ root, count, seed: number })),
  takeBack: () => takeBack(root),
  flaw: (restored) => differenceIn(root, restored)
})

/** Names and sizes: that bytes come back is what other tests are about. */
export const differenceIn = (root: string, copy: string): string | undefined => {
  const [wanted, there] = [filesOf(root), filesOf(copy)]
  const wrong = [...wanted].find(([path, { bytes }]) => there.get(path)?.bytes !== bytes)
  if (wrong !== undefined) return wrong[0]
  return there.size === wanted.size ? undefined : `${there.size} files instead of ${wanted.size}`
}

/**
 * Removes what was delivered, which has no size in its name as what was generated has; also what a run left that was
 * killed.
 */
const takeBack = (root: string): void => {
  for (const name of fs.readdirSync(join(root, "new"))) {
    if (name.endsWith(".sample")) fs.unlinkSync(join(root, "new", name))
  }
}

/** Every file below a folder, by its path in it. */
export const filesOf = (root: string): ReadonlyMap<string, { readonly bytes: number; readonly mtimeMs: number }> => {
  const files = new Map<string, { readonly bytes: number; readonly mtimeMs: number }>()
  const walk = (folder: string): void => {
    for (const entry of fs.readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (entry.isFile()) {
        const { mtimeMs, size } = fs.statSync(join(root, path))
        files.set(path, { bytes: size, mtimeMs })
      }
    }
  }
  walk("")
  return files
}

export const bytesOf = (files: ReturnType<typeof filesOf>): number => {
  let bytes = 0
  for (const file of files.values()) bytes += file.bytes
  return bytes
}
