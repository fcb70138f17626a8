import { assert, describe, it } from "@effect/vitest"
import { failureOf } from "@sealog/daemon/Failure"
import type { PlatformShape } from "@sealog/daemon/Platform"
import { sourceKinds, targetKinds, targets } from "@sealog/daemon/Registry"
import { absolutePath, parseAll, parseOne } from "@sealog/daemon/Spec"
import { Either } from "effect"
import * as fc from "fast-check"
import { linux } from "./support/Harness.ts"

const sources = (...texts: ReadonlyArray<string>) => parseAll("source", texts, linux)
const names = (...texts: ReadonlyArray<string>) =>
  Either.map(sources(...texts), (specs) => specs.map((spec) => spec.name))
const refused = (text: string, role: "source" | "target" = "source") => {
  const parsed = parseOne(role, text, linux)
  return Either.isLeft(parsed) ? parsed.left.reason : `accepted as ${parsed.right.spec}`
}
/** Why several SPECs do not go together. */
const clash = (...texts: ReadonlyArray<string>) =>
  Either.match(sources(...texts), { onLeft: (error) => error.reason, onRight: () => "accepted" })

describe("Spec", () => {
  /** Verifies: CLI-7 */
  it("names what has no name by its kind, and by number after that", () => {
    assert.deepStrictEqual(
      names("maildir:/a", "maildir:/b", "jsonl:/c", "maildir:/d"),
      Either.right(["maildir", "maildir-2", "jsonl", "maildir-3"])
    )
    assert.deepStrictEqual(
      names("maildir:/a", "maildir-2=maildir:/b", "maildir:/c"),
      Either.right(["maildir", "maildir-2", "maildir-3"])
    )
    assert.deepStrictEqual(names("maildir:/a", "Maildir=jsonl:/b"), Either.right(["maildir-2", "Maildir"]))
  })

  it("takes paths as they are: spaces, any letters, colons, equals signs", () => {
    const place = (text: string) => Either.getOrThrow(parseOne("source", text, linux)).place
    assert.strictEqual(place("maildir:/srv/Ada's Mail/日本=1:2"), "/srv/Ada's Mail/日本=1:2")
    assert.strictEqual(place("jsonl:~/x y"), "/home/ada/x y")
    assert.strictEqual(place("jsonl:~"), "/home/ada")
    assert.strictEqual(place("jsonl:a/../b"), "/home/ada/here/b")
    assert.strictEqual(place("jsonl:~other/x"), "/home/ada/here/~other/x")
    assert.strictEqual(place("new one=jsonl:x"), "/home/ada/here/x")
  })

  /** Verifies: SRC-46 */
  it("takes Messages where macOS keeps them, where nothing is said, and on a Mac alone", () => {
    const mac: PlatformShape = { ...linux, system: "macos", userDir: "/Users/ada" }
    assert.deepStrictEqual(Either.getOrThrow(parseOne("source", "imessage", mac)), {
      name: "imessage",
      kind: "imessage",
      place: "/Users/ada/Library/Messages",
      spec: "imessage"
    })
    assert.strictEqual(Either.getOrThrow(parseOne("source", "imessage:x.db", linux)).place, "/home/ada/here/x.db")
    assert.strictEqual(refused("imessage"), "NoUsualPlace")
  })

  it("starts from the user's folder and the current one on Windows too", () => {
    const windows: PlatformShape = { ...linux, system: "windows", userDir: "C:\\Users\\ada", currentDir: "D:\\work" }
    assert.strictEqual(absolutePath("~\\Mail", windows), "C:\\Users\\ada\\Mail")
    assert.strictEqual(absolutePath("~/Mail", windows), "C:\\Users\\ada\\Mail")
    assert.strictEqual(absolutePath("x", windows), "D:\\work\\x")
    assert.strictEqual(absolutePath("E:\\v", windows), "E:\\v")
  })

  it("tells what is no SPEC, no kind, and a kind to come", () => {
    assert.strictEqual(refused("/home/ada/Maildir"), "Malformed")
    assert.strictEqual(refused("maildir"), "Malformed")
    assert.strictEqual(refused("maildir:"), "Malformed")
    assert.strictEqual(refused(""), "Malformed")
    assert.strictEqual(refused("maildir:/a\0b"), "Malformed")
    assert.strictEqual(refused("floppy:/a"), "UnknownKind")
    assert.strictEqual(refused("constructor:/a"), "UnknownKind")
    assert.strictEqual(refused("disk:/a"), "UnknownKind")
    assert.strictEqual(refused("signal"), "LaterKind")
    assert.strictEqual(refused("sftp://ada@host/x", "target"), "LaterKind")
    assert.strictEqual(refused("s3:https://e/b", "target"), "LaterKind")
  })

  it("refuses names that cannot be a folder everywhere", () => {
    for (const name of ["", ".", "..", ".hidden", "a.", "a ", "con", "NUL.txt", "a\tb", "x".repeat(65), "-x"]) {
      assert.strictEqual(refused(`${name}=maildir:/a`), "BadName", JSON.stringify(name))
    }
    assert.strictEqual(Either.getOrThrow(parseOne("source", "Ada’s=maildir:/a".replace("’", "-"), linux)).name, "Ada-s")
    assert.strictEqual(clash("a=jsonl:/1", "A=jsonl:/2"), "DuplicateName")
    assert.strictEqual(clash("é=jsonl:/1", "e\u0301=jsonl:/2"), "DuplicateName")
  })

  it("reads back what it wrote, for every kind and any absolute path", () => {
    const kinds = [
      ...Object.keys(sourceKinds).map((kind) => ["source", kind, sourceKinds[kind]] as const),
      ...Object.keys(targetKinds).map((kind) => ["target", kind, targetKinds[kind]] as const)
    ].filter(([role, kind, availability]) =>
      availability === "now" && (role === "source" || targets[kind]?.place === "path")
    )
    assert.isAtLeast(kinds.length, 3)
    const path = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !text.includes("\0")).map((text) =>
      `/${text}`
    )
    fc.assert(fc.property(fc.constantFrom(...kinds), path, ([role, kind], place) => {
      const once = Either.getOrThrow(parseOne(role, `${kind}:${place}`, linux))
      assert.deepStrictEqual(Either.getOrThrow(parseOne(role, once.spec, linux)), once)
    }))
  })

  it("takes a URL for a place on a network, with a slash at its end and a user if need be", () => {
    const spec = (text: string) => Either.getOrThrow(parseOne("target", text, linux)).spec
    assert.strictEqual(spec("webdav:https://nas.local/dav"), "webdav:https://nas.local/dav/")
    assert.strictEqual(spec("nas=webdav:http://ada@[::1]:8080/a b/"), "webdav:http://ada@[::1]:8080/a%20b/")
    for (const text of ["nas.local/dav", "ftp://nas/dav", "//nas/dav", "https://nas/dav#x", "/srv/dav", "https://"]) {
      assert.strictEqual(refused(`webdav:${text}`, "target"), "BadUrl", text)
    }
    const written = spec("webdav:https://nas.local/dav")
    assert.strictEqual(spec(written), written)
  })

  /** Verifies: SYN-7 */
  it("takes a folder of iCloud Drive by its name, or none, and finds it where macOS or its owner keeps it", () => {
    const spec = (text: string, platform: Partial<PlatformShape> = {}) =>
      Either.map(
        parseOne("target", text, { ...linux, ...platform }),
        (parsed) => [parsed.name, parsed.place, parsed.spec]
      )
    const drive = "/home/ada/Library/Mobile Documents/com~apple~CloudDocs"
    const mac = { system: "macos" } as const
    assert.deepStrictEqual(spec("icloud", mac), Either.right(["icloud", `${drive}/sealog`, "icloud"]))
    assert.deepStrictEqual(spec("me=icloud:a b/c/", mac), Either.right(["me", `${drive}/a b/c`, "icloud:a b/c"]))
    assert.deepStrictEqual(spec("icloud"), Either.right(["icloud", "", "icloud"]))
    const given = { environment: { SEALOG_ICLOUD_ROOT: "~/drive" } }
    assert.deepStrictEqual(spec("icloud:x", given), Either.right(["icloud", "/home/ada/drive/x", "icloud:x"]))
    for (const text of ["icloud:/etc", "icloud:../x", "icloud:a//b", "icloud:~", "icloud:a/../b", "icloud:."]) {
      assert.strictEqual(refused(text, "target"), "Malformed", text)
    }
  })

  /** Verifies: SRC-73 */
  it("knows where WhatsApp keeps its store on macOS, and asks for the path elsewhere", () => {
    const spec = (text: string, platform: Partial<PlatformShape> = {}) =>
      Either.map(parseOne("source", text, { ...linux, ...platform }), (parsed) => [
        parsed.name,
        parsed.place,
        parsed.spec
      ])
    const usual = "/home/ada/Library/Group Containers/group.net.whatsapp.WhatsApp.shared"
    const mac = { system: "macos" } as const
    assert.deepStrictEqual(spec("whatsapp", mac), Either.right(["whatsapp", usual, "whatsapp"]))
    assert.deepStrictEqual(spec("chats=whatsapp", mac), Either.right(["chats", usual, "whatsapp"]))
    assert.deepStrictEqual(spec("whatsapp:~/wa"), Either.right(["whatsapp", "/home/ada/wa", "whatsapp:/home/ada/wa"]))
    assert.strictEqual(refused("whatsapp"), "NoUsualPlace")
    assert.strictEqual(refused("whatsapp:"), "Malformed")
  })

  /** Verifies: DAV-9 */
  it("refuses a secret in a URL, in whatever place, and never says it again", () => {
    for (
      const [text, reason] of [
        ["webdav:https://ada:geheim@nas/dav", "SecretInSpec"],
        ["webdav:https://:geheim@nas/dav", "SecretInSpec"],
        ["webdav:https://nas/dav?token=geheim", "SecretInSpec"],
        ["webdav:https://ada:gehe/im@nas/geheim@x", "BadUrl"],
        ["webdav:https://nas:port/?geheim", "BadUrl"],
        ["webdav:ftp://ada:geheim@nas/dav", "BadUrl"],
        ["webdav=https://ada:geheim@nas/dav", "UnknownKind"],
        ["webdav//ada:geheim@nas/dav", "Malformed"],
        ["sftp://ada:geheim@nas/dav", "LaterKind"]
      ] as const
    ) {
      const parsed = parseOne("target", text, linux)
      if (Either.isRight(parsed)) assert.fail(text)
      assert.strictEqual(parsed.left.reason, reason, text)
      assert.notMatch(JSON.stringify(failureOf(parsed.left)), /gehe/u, text)
      assert.strictEqual(failureOf(parsed.left).exit, 2)
    }
  })
})
