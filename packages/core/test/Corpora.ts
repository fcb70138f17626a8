/**
 * Other people's test vectors, where they are at hand: in the folder that `SEALOG_CORPORA` names, or in
 * `shared/corpora` beside the repository. They are not part of it, so a test that needs them is skipped without them.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = process.env["SEALOG_CORPORA"] ?? fileURLToPath(new URL("../../../../shared/corpora", import.meta.url))

/** Whether the corpora are here; says so once, if they are not. */
export const haveCorpora = existsSync(root)
if (!haveCorpora) console.log("skipped: tests with other people's vectors; SEALOG_CORPORA names no folder of them")

export const corpus = (path: string): string => join(root, path)

export const readCorpus = (path: string): Uint8Array => new Uint8Array(readFileSync(corpus(path)))

/** A JSON file whose form the caller knows. */
export const readCorpusJson = <A>(path: string): A => JSON.parse(readFileSync(corpus(path), "utf8")) as A

/** What Wycheproof's files of one kind have in common. */
export interface Wycheproof<Group, Test> {
  readonly testGroups: ReadonlyArray<
    Group & { readonly tests: ReadonlyArray<Test & { readonly tcId: number; readonly result: "valid" | "invalid" }> }
  >
}

export const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"))
export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
