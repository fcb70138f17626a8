/** What `docs/format.md` says in numbers and strings is what the code says, and what the documents point to is there. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "@sealog/core/format/Limits"
import { SLOT_BYTES } from "@sealog/core/keys/KeySlot"
import * as Labels from "@sealog/core/keys/Labels"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../../..", import.meta.url))
const text = readFileSync(join(root, "docs/format.md"), "utf8")

/** Limits of this program alone: another reader need not know them. */
const OWN: ReadonlySet<string> = new Set([
  "CONTENT_INDEX_BYTES",
  "BLOCK_BYTES",
  "FULL_RUN_BYTES",
  "WINDOW_BYTES",
  "SEGMENT_CUT_BYTES",
  "SEGMENT_FINAL_BYTES",
  "SEGMENT_BYTES",
  "PASSWORD_MIN_CHARS",
  "PASSWORD_SCORED_CHARS",
  "MERGE_BYTES",
  "CAPTURE_QUEUE_BATCHES",
  "PATIENCE_SECONDS",
  "PATIENCE_PUT_BYTES_A_SECOND",
  "PATIENCE_GET_BYTES_A_SECOND",
  "COMPRESS_CONCURRENCY",
  "DECOMPRESS_CONCURRENCY",
  "FAST_COMPRESS_BYTES",
  "SYNC_COMPRESS_BYTES",
  "SYNC_DECOMPRESS_BYTES",
  "TAIL_CHECK_ENTRIES",
  "TAIL_CHECK_BYTES",
  "FETCH_WHOLE_BYTES",
  "FETCH_CACHE_BYTES",
  "RESTORE_BATCH_MESSAGES",
  "TRAILER_CACHE",
  "MAIL_TEXT_BYTES",
  "COMPACT_SEGMENTS"
])

describe("docs/format.md", () => {
  /** Verifies: DOC-2 */
  it("names every limit of the format with its value", () => {
    const rows = [...text.matchAll(/^\| `([A-Z_]+)`[^|]* \| (\d+) \|(?: (\d+) \| (\d+) \|)?/gm)]
    const shown = Object.fromEntries(rows.map(([, name, value, passes, lanes]) => [
      name,
      passes === undefined ? Number(value) : { memoryKiB: Number(value), passes: Number(passes), lanes: Number(lanes) }
    ]))
    const format = Object.entries(Limits).filter(([name]) => !OWN.has(name))
    assert.deepStrictEqual(shown, Object.fromEntries(format))
  })

  /** Verifies: DOC-2 */
  it("names every label, and no other", () => {
    const shown = new Set(text.match(/sealog 2026-11(?: [a-z]+)+/g))
    const { OBJECT, OBJECT_SALT, purposes, SLOT } = Labels
    const labels = [...Object.values(purposes).map(({ label }) => label), OBJECT, OBJECT_SALT, SLOT]
    assert.deepStrictEqual([...shown].toSorted(), labels.toSorted())
    for (const { label, length } of Object.values(purposes)) {
      assert.include(text, `| \`${label}\` | (vault key, vault id, label, ${length})`)
    }
  })

  /** Verifies: DOC-2 */
  it("knows the length of a slot", () => {
    assert.include(text, `A slot is ${SLOT_BYTES.toLocaleString("en")} bytes.`)
  })
})

describe("the documents", () => {
  const documents = [
    ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
    ...readdirSync(join(root, "docs/decisions")).map((name) => `docs/decisions/${name}`)
  ]

  /** Verifies: DOC-3 */
  for (const document of documents) {
    it(`${document} points to what is there`, () => {
      const source = readFileSync(join(root, document), "utf8")
      const links = [...source.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, path]) =>
        join(dirname(document), path!)
      )
      const paths = source.match(/(?<=`)(?:packages|docs)\/[\w./-]*\w(?=\/?`)/g) ?? []
      const anchors = [...source.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor)
      const headings = new Set([...source.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!)))
      assert.deepStrictEqual([...links, ...paths].filter((path) => !existsSync(join(root, path))), [])
      assert.deepStrictEqual(anchors.filter((anchor) => !headings.has(anchor!)), [])
    })
  }
})

/** As GitHub makes them. */
const anchorOf = (heading: string): string =>
  heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
