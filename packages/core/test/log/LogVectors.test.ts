/** The frozen heads of `docs/vectors/log`. */
import { assert, describe, it } from "@effect/vitest"
import { headAt, LogBuilder } from "@sealog/core/log/MerkleLog"
import { rootOfLeaves } from "@sealog/core/log/MerkleTree"
import { readFileSync } from "node:fs"
import { bytesOf, hexOf } from "../Corpora.ts"
import { type LogVectors, makeLogVectors } from "./logVectors.ts"

const path = new URL("../../../../docs/vectors/log/heads.json", import.meta.url)
const frozen = JSON.parse(readFileSync(path, "utf8")) as LogVectors
const events = frozen.events.map(bytesOf)

describe("docs/vectors/log", () => {
  /** Verifies: LOG-5 */
  it("has the heads that the log gives its events", () => {
    for (const head of frozen.heads) {
      const builder = LogBuilder.empty()
      builder.appendAll(events.slice(0, head.size))
      const { peaks, root, size } = builder.head()
      assert.deepStrictEqual({ size, root: hexOf(root), peaks: peaks.map(hexOf) }, {
        size: head.size,
        root: head.root,
        peaks: head.peaks
      })
      assert.strictEqual(hexOf(rootOfLeaves(head.leaves.map(bytesOf))), head.root)
      const open = events.slice(head.size - (head.size % 64), head.size)
      assert.strictEqual(hexOf(headAt(head.size, head.leaves.map(bytesOf), open).root), head.root)
      assert.deepStrictEqual(builder.takeLeaves().map(hexOf), head.leaves.slice(0, Math.floor(head.size / 64)))
    }
  })

  it("is what its generator makes from the definition", () => {
    assert.deepStrictEqual(makeLogVectors(), frozen)
  })
})
