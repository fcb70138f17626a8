import { assert, describe, it } from "@effect/vitest"
import { VAULT_FILE_BYTES } from "@sealog/core/format/Limits"
import { decodeVaultFile, encodeVaultFile } from "@sealog/core/format/VaultFile"
import { Either } from "effect"

const utf8 = (text: string) => new TextEncoder().encode(text)
const reasonOf = (bytes: Uint8Array) => {
  const decoded = decodeVaultFile(bytes)
  return Either.isLeft(decoded) ? decoded.left.reason : "decoded"
}
const id = "ab".repeat(32)

describe("VaultFile", () => {
  /** Verifies: CIPH-11 */
  it("says which vault it is, in one line that people can read", () => {
    const vaultId = new Uint8Array(32).fill(0xab)
    const bytes = encodeVaultFile({ vaultId })
    assert.strictEqual(new TextDecoder().decode(bytes), `{"magic":"sealog","format":1,"vaultId":"${id}"}\n`)
    assert.deepStrictEqual(Either.getOrThrow(decodeVaultFile(bytes)), { magic: "sealog", format: 1, vaultId })
  })

  /** Verifies: CIPH-11 */
  it("of a later format is unknown, whatever else is in it", () => {
    for (const rest of ["", `,"vaultId":"${id}"`, `,"vault":{"id":7}`]) {
      assert.strictEqual(reasonOf(utf8(`{"magic":"sealog","format":2${rest}}`)), "Unknown")
    }
  })

  it("is refused where it is no such file", () => {
    const bad = [
      "",
      "null",
      "[]",
      "{",
      "\u0000",
      `{"magic":"sealog","format":1}`,
      `{"magic":"sealog","format":0,"vaultId":"${id}"}`,
      `{"magic":"sealog","format":1.5,"vaultId":"${id}"}`,
      `{"magic":"sealog","format":"1","vaultId":"${id}"}`,
      `{"magic":"Sealog","format":1,"vaultId":"${id}"}`,
      `{"magic":"sealog","format":1,"vaultId":"${id.toUpperCase()}"}`,
      `{"magic":"sealog","format":1,"vaultId":"${id.slice(2)}"}`,
      `{"magic":"sealog","format":1,"vaultId":"${id}ab"}`,
      `{"magic":"sealog","format":1,"vaultId":"${id}","more":true}`,
      `{"magic":"sealog","format":1,"vaultId":"${id}"}{}`
    ]
    for (const text of bad) assert.strictEqual(reasonOf(utf8(text)), "Malformed", text)
    assert.strictEqual(reasonOf(Uint8Array.of(0xff, 0xfe)), "Malformed")
    assert.strictEqual(reasonOf(utf8(" ".repeat(5000))), "Limit")
    const good = `{"magic":"sealog","format":1,"vaultId":"${id}"}`
    assert.strictEqual(reasonOf(utf8(good.padEnd(VAULT_FILE_BYTES))), "decoded")
    assert.strictEqual(reasonOf(utf8(good.padEnd(VAULT_FILE_BYTES + 1))), "Limit")
  })
})
