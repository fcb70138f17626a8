/** The table of servers' manners in docs/targets/webdav.md is what the servers do. */
import { assert, describe, it } from "@effect/vitest"
import { type DavServerName, startDavServer } from "@sealog/adapters/testing/DavServers"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { davServers } from "./support.ts"

const page = readFileSync(fileURLToPath(new URL("../../../../../docs/targets/webdav.md", import.meta.url)), "utf8")
const columns: ReadonlyArray<DavServerName> = ["apache", "nginx", "lighttpd", "rclone"]

/** What the page says of a question, at a server. */
const written = (question: string, name: DavServerName): string | undefined =>
  page.split("\n").find((line) => line.startsWith(`| ${question} |`))?.split("|")[2 + columns.indexOf(name)]?.trim()

interface Question {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Where to, for a MOVE. */
  readonly to?: string
}

const questions: Readonly<Record<string, Question>> = {
  "PUT into a missing folder": { method: "PUT", path: "missing/a" },
  "MOVE into a missing folder": { method: "MOVE", path: "folder/c", to: "missing/a", headers: { overwrite: "F" } },
  "MOVE onto a taken name, `Overwrite: F`": {
    method: "MOVE",
    path: "folder/a",
    to: "folder/b",
    headers: { overwrite: "F" }
  },
  "PUT with `If-None-Match: *` onto a taken name": {
    method: "PUT",
    path: "folder/b",
    headers: { "if-none-match": "*" }
  },
  "MKCOL of a folder that is there": { method: "MKCOL", path: "folder/" },
  "GET of a range behind the end": { method: "GET", path: "folder/a", headers: { range: "bytes=100-199" } }
}

const statusOf = async (url: string, { headers = {}, method, path, to }: Question): Promise<number> => {
  const answer = await fetch(`${url}${path}`, {
    method,
    redirect: "manual",
    headers: { ...headers, ...(to === undefined ? {} : { destination: `${url}${to}` }) },
    ...(method === "PUT" ? { body: "some bytes" } : {})
  })
  await answer.arrayBuffer()
  return answer.status
}

for (const name of davServers("the manners")) {
  describe(`docs/targets/webdav.md about ${name}`, () => {
    /** Verifies: DAV-12 */
    it.scopedLive("says what it answers", () =>
      Effect.gen(function*() {
        const { url } = yield* startDavServer(name)
        const ask = (question: Question) => Effect.promise(() => statusOf(url, question))
        yield* ask({ method: "MKCOL", path: "folder/" })
        for (const file of ["a", "b", "c"]) yield* ask({ method: "PUT", path: `folder/${file}` })
        for (const [question, asked] of Object.entries(questions)) {
          const status = String(yield* ask(asked))
          assert.strictEqual(written(question, name)?.slice(0, status.length), status, `${question} at ${name}`)
        }
      }))
  })
}
