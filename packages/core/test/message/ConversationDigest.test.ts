import { assert, describe, it } from "@effect/vitest"
import { ConversationDigest } from "@sealog/core/message/ConversationDigest"
import * as fc from "fast-check"
import { createHash } from "node:crypto"

const digestOf = (lines: ReadonlyArray<string>): ConversationDigest => {
  const digest = new ConversationDigest()
  for (const line of lines) digest.add(line)
  return digest
}

describe("ConversationDigest", () => {
  /** Verifies: CAN-8 */
  it("is the same in any order, counts repeats, and forgets what is taken out", () =>
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 20 }), fc.string(), (lines, extra) => {
        const digest = digestOf(lines)
        assert.isTrue(digest.equals(digestOf(lines.toReversed())))
        digest.add(extra)
        assert.isFalse(digest.equals(digestOf(lines)))
        assert.isFalse(digest.equals(digestOf([...lines, extra, extra])))
        digest.remove(extra)
        assert.isTrue(digest.equals(digestOf(lines)))
        assert.strictEqual(digest.count, lines.length)
      })
    ))

  it("is the sum of the lines' SHA-256, modulo 2^256", () =>
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 20 }), (lines) => {
        const sum = lines.reduce(
          (total, line) => total + BigInt(`0x${createHash("sha256").update(line).digest("hex")}`),
          0n
        )
        assert.strictEqual(digestOf(lines).hex(), (sum % 2n ** 256n).toString(16).padStart(64, "0"))
      })
    ))
})
