import { assert, describe, it } from "@effect/vitest"
import { stubSize } from "@sealog/adapters/storage/StubFile"
import { Buffer } from "node:buffer"

/** Made by Python's `plistlib`, with sizes of one, four and four bytes. */
const STUBS = {
  5: "YnBsaXN0MDDTAQIDBAUGXxAYTlNVUkxGaWxlUmVzb3VyY2VUeXBlS2V5XxAQTlNVUkxGaWxlU2l6ZUtleVxOU1VSTE5hbWVLZXlfEBxOU1VSTEZpbG"
    + "VSZXNvdXJjZVR5cGVSZWd1bGFyEAVSYWEIDyo9SmlrAAAAAAAAAQEAAAAAAAAABwAAAAAAAAAAAAAAAAAAAG4=",
  70_000:
    "YnBsaXN0MDDTAQIDBAUGXxAYTlNVUkxGaWxlUmVzb3VyY2VUeXBlS2V5XxAQTlNVUkxGaWxlU2l6ZUtleVxOU1VSTE5hbWVLZXlfEBxOU1VSTEZpbG"
    + "VSZXNvdXJjZVR5cGVSZWd1bGFyEgABEXBSYWEIDyo9SmluAAAAAAAAAQEAAAAAAAAABwAAAAAAAAAAAAAAAAAAAHE=",
  8_388_608:
    "YnBsaXN0MDDTAQIDBAUGXxAYTlNVUkxGaWxlUmVzb3VyY2VUeXBlS2V5XxAQTlNVUkxGaWxlU2l6ZUtleVxOU1VSTE5hbWVLZXlfEBxOU1VSTEZpbG"
    + "VSZXNvdXJjZVR5cGVSZWd1bGFyEgCAAABSYWEIDyo9SmluAAAAAAAAAQEAAAAAAAAABwAAAAAAAAAAAAAAAAAAAHE="
}

describe("a stub of iCloud Drive", () => {
  /** Verifies: SYN-3 */
  it("says how long the file is that it stands for", () => {
    for (const [size, stub] of Object.entries(STUBS)) {
      assert.strictEqual(stubSize(Buffer.from(stub, "base64")), Number(size))
    }
  })

  /** Verifies: SYN-3 */
  it("says nothing where it is cut, empty, or another file, and any one byte of it changed does no worse", () => {
    const whole = Buffer.from(STUBS[70_000], "base64")
    for (let length = 0; length < whole.length; length++) assert.isUndefined(stubSize(whole.subarray(0, length)))
    assert.isUndefined(stubSize(Buffer.from("{\"not\":\"a property list\"}".repeat(5))))
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0, 1, 0x1f, 0x5f, 0xd1, 0xff]) {
        const changed = Buffer.from(whole)
        changed[at] = value
        const size = stubSize(changed)
        assert.isTrue(size === undefined || Number.isSafeInteger(size))
      }
    }
  })
})
