/**
 * What whoever holds the vault's folder can read in it: that it is a vault, and sizes. Every byte and every name is
 * searched for anything that the stores, the machine or the clock could have left there.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { hostname, userInfo } from "node:os"
import { join } from "node:path"
import { fillMaildir, initialise, type Machine, makeMachine } from "../support/Machine.ts"

const MAILS = 200

describe("the vault of a run", () => {
  /** Verifies: FAULT-14 */
  it.scopedLive("shows nothing of what is in it, in no byte and no name", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      yield* fillMaildir(machine, { count: MAILS, seed: 31 })
      fs.writeFileSync(join(machine.mail, "dovecot-uidlist"), "3 V1700000000 N17 Gdovecotguidlisted\n")
      writeLargeMail(machine)
      const chats = join(machine.folder, "chats")
      fs.mkdirSync(chats)
      fs.writeFileSync(join(chats, "roundtable.jsonl"), `${CHAT.map((line) => JSON.stringify(line)).join("\n")}\n`)
      yield* initialise(machine, {
        sources: [`postbox=maildir:${machine.mail}`, `confab=jsonl:${chats}`],
        more: ["--recovery-code-file", join(machine.folder, "code")]
      })
      const synced = yield* machine.sealog(["sync"])
      assert.strictEqual(synced.code, 0, synced.err)
      fs.renameSync(join(machine.mail, "cur"), join(machine.mail, "cur.away"))
      fs.mkdirSync(join(machine.mail, "cur"))
      yield* machine.sealog(["sync"])

      const needles = needlesOf(machine)
      const objects = objectsIn(machine.vault)
      assert.isAbove(objects.length, 5)
      assert.deepStrictEqual(
        objects.flatMap(({ bytes, name }) => found(needles, bytes).map((what) => `${what} in ${name}`)),
        []
      )
      for (const { name } of objects) {
        assert.match(name, /^(sealog\.json|slots\/[a-z2-7]{26}|log\/[a-z2-7]{70}|blobs\/[a-z2-7]{56})$/)
        assert.deepStrictEqual(found(needles, Buffer.from(name)), [])
      }
      const { vaultId, ...rest } = JSON.parse(fs.readFileSync(join(machine.vault, "sealog.json"), "utf8"))
      assert.match(vaultId, /^[0-9a-f]{64}$/)
      assert.deepStrictEqual(rest, { magic: "sealog", format: 1 })
      for (const { bytes, name } of objects) {
        if (name !== "sealog.json") {
          assert.isTrue(looksRandom(name.startsWith("slots/") ? bytes.subarray(142) : bytes), name)
        }
      }
    }).pipe(Effect.provide(NodeContext.layer)), 120_000)

  it("would be found out by the search, if it were there", () => {
    const needles = new Set(["Quarterly numbers", "ada@sample.example"])
    const text = "…From: ada@sample.example, at 2024-05-06T07:08:09Z, Subject: Quarterly numbers…"
    for (const encoding of ["utf8", "utf16le", "base64"] as const) {
      const bytes = encoding === "base64"
        ? Buffer.from(Buffer.from(text).toString("base64"))
        : Buffer.from(text, encoding)
      assert.includeMembers([...found(needles, bytes)], ["Quarterly numbers", "ada@sample.example"], encoding)
    }
    assert.include(found(needles, Buffer.from(text)), "a date")
    assert.isFalse(looksRandom(Buffer.from(text.repeat(20))))
  })
})

const CHAT = [
  {
    conversation: "grpRoundtable77",
    id: "msgPerceval1",
    author: "lancelotlake",
    text: "The grail is under the staircase"
  },
  { conversation: "grpRoundtable77", id: "msgPerceval2", author: "galahadpure", text: "Which staircase do you mean 🐉" }
]

/** What the program itself calls things. */
const NAMES = ["postbox", "confab", "maildir", "jsonl", "dovecot", "roundtable", "chats", "my mail", "message.added"]

/** Longer than an event: it goes into a blob. */
const writeLargeMail = ({ mail }: Machine): void => {
  const header =
    "From: Morgana Fay <morgana@avalon.example>\nSubject: Enchantments enclosed\nMessage-ID: <isle-of-apples>\n"
  const text = "Bring the cauldron before midwinter.\n".repeat(6_000)
  fs.writeFileSync(join(mail, "new", "1700000123.M45P6.avalonhost"), `${header}\n${text}`)
}

/** Every text of the stores and the machine that is long enough not to be there by chance. */
const needlesOf = ({ folder, mail }: Machine): ReadonlySet<string> => {
  const needles = new Set<string>()
  for (const path of fs.readdirSync(mail, { encoding: "utf8", recursive: true })) {
    for (const part of path.split("/")) needles.add(part)
    if (!fs.statSync(join(mail, path)).isFile()) continue
    const lines = fs.readFileSync(join(mail, path), "utf8").split("\n")
    for (const line of lines.slice(0, 60)) {
      needles.add(line.slice(0, 60))
      for (const word of line.split(/[\s<>;,"=]+/)) needles.add(word)
    }
  }
  const long = [...needles].filter((needle) => Buffer.byteLength(needle) >= KEY_BYTES)
  const named = [hostname(), userInfo().homedir, folder, process.cwd(), ...NAMES, ...CHAT.flatMap(Object.values)]
  // Four bytes are somewhere in a mebibyte of random ones sooner or later.
  return new Set([...long, ...named.filter((name) => name.length > 4)])
}

/** Bytes that a text begins to be looked for by: so many are nowhere by chance. */
const KEY_BYTES = 8

const objectsIn = (vault: string) =>
  fs.readdirSync(vault, { encoding: "utf8", recursive: true })
    .filter((name) => fs.statSync(join(vault, name)).isFile())
    .map((name) => ({ name, bytes: fs.readFileSync(join(vault, name)) }))

/** Which of the texts are in these bytes, as UTF-8, UTF-16 or base64; and dates. */
const found = (needles: ReadonlySet<string>, bytes: Buffer): ReadonlyArray<string> => {
  const seen = new Set<string>()
  const text = bytes.toString("latin1")
  const index = indexOf(needles)
  for (let at = 0; at + KEY_BYTES <= text.length; at++) {
    for (const { needle, written } of index.get(text.slice(at, at + KEY_BYTES)) ?? []) {
      if (text.startsWith(written, at)) seen.add(needle)
    }
  }
  for (const needle of needles) if (needle.length < KEY_BYTES && text.includes(needle)) seen.add(needle)
  if (/[12]\d{3}-[01]\d-[0-3]\d/.test(text)) seen.add("a date")
  return [...seen]
}

interface Written {
  readonly needle: string
  /** One character a byte. */
  readonly written: string
}

const indexOf = (needles: ReadonlySet<string>): ReadonlyMap<string, ReadonlyArray<Written>> => {
  const known = indices.get(needles)
  if (known !== undefined) return known
  const index = new Map<string, Array<Written>>()
  for (const needle of needles) {
    for (const written of formsOf(needle)) {
      const key = written.slice(0, KEY_BYTES)
      if (key.length === KEY_BYTES) index.set(key, [...index.get(key) ?? [], { needle, written }])
    }
  }
  indices.set(needles, index)
  return index
}

const indices = new WeakMap<ReadonlySet<string>, ReadonlyMap<string, ReadonlyArray<Written>>>()

/** A text as it may stand in a file: in base64 it may begin at any of three places, and its ends depend on what is around. */
const formsOf = (needle: string): ReadonlyArray<string> => {
  const utf8 = Buffer.from(needle)
  const base64 = [0, 1, 2].map((offset) => {
    const letters = Buffer.concat([Buffer.alloc(offset), utf8]).toString("base64").replace(/=+$/, "")
    return letters.slice(Math.ceil((offset * 4) / 3), -1)
  })
  return [utf8.toString("latin1"), Buffer.from(needle, "utf16le").toString("latin1"), ...base64]
}

/** Whether all bytes are about as frequent: chi-squared, 255 degrees of freedom, far beyond what chance gives. */
const looksRandom = (bytes: Uint8Array): boolean => {
  const counts = new Float64Array(256)
  for (const byte of bytes) counts[byte]!++
  const expected = bytes.length / 256
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0) < 400
}
