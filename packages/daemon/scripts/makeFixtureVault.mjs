/**
 * Makes a vault that every later version must restore, with the program as built: a Maildir and a chat, backed up in
 * several passes while mails come, move and go, and a copy of the machine that went on by itself. What a restore of it
 * must write is taken from the stores themselves.
 *
 *   node packages/daemon/scripts/makeFixtureVault.mjs vault-2
 *
 * A vault that is there already stays as it is: a new format adds one, and never replaces one.
 */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../bin/sealog.js", import.meta.url))
const fixtures = fileURLToPath(new URL("../../core/test/fixtures/", import.meta.url))
const [name] = process.argv.slice(2)
if (!/^vault-\d+$/.test(name ?? "")) throw new Error("name the vault: vault-1, vault-2, …")
const fixture = join(fixtures, name)
if (existsSync(fixture)) throw new Error(`${fixture} is there already, and stays as it is`)

const work = mkdtempSync(join(tmpdir(), "sealog-fixture-"))
const maildir = join(work, "Maildir")
const chats = join(work, "chats")
const target = join(work, "target")
const PASSWORD = "kein Geheimnis: caf\u00e9 42"
const BEGIN = 1_700_000_000

/** Runs the program and gives its JSON; any exit but those expected stops everything. */
const sealog = (words, { expected = [0], home = "home" } = {}) => {
  const all = ["--home", join(work, home), "--password-file", join(work, "password.txt"), "--json", ...words]
  const { status, stderr, stdout } = spawnSync(process.execPath, [program, ...all], {
    encoding: "utf8",
    maxBuffer: 2 ** 26
  })
  if (!expected.includes(status)) throw new Error(`sealog ${words.join(" ")} exited ${status}: ${stderr}`)
  return stdout
}

const words = "the quick brown fox jumps over a lazy dog while Zoë sings “Für Elise” in Kraków 🎹".split(" ")
const prose = (seed, count) =>
  Array.from({ length: count }, (_, n) => words[(seed * 7 + n * n + n) % words.length]).join(" ")

/** The same bytes for the same number, that do not compress. */
const noise = (seed, length) => {
  const blocks = Array.from(
    { length: Math.ceil(length / 32) },
    (_, n) => createHash("sha256").update(`${seed} ${n}`).digest()
  )
  return Buffer.concat(blocks).subarray(0, length)
}

const mailText = (number, attachment) => {
  const head = [
    `Date: ${new Date((BEGIN + number * 600) * 1000).toUTCString().replace("GMT", "+0000")}`,
    `From: =?utf-8?Q?Zo=C3=AB?= <zoe@sample.example>`,
    "To: ada@sample.example",
    `Subject: number ${number}`,
    `Message-ID: <${number}@sample.example>`,
    "MIME-Version: 1.0"
  ]
  const text = `Content-Type: text/plain; charset=utf-8\n\n${prose(number, 40 + number * 9)}\n`
  if (attachment === undefined) return `${head.join("\n")}\n${text}`
  const encoded = attachment.toString("base64").replaceAll(/.{76}/g, "$&\n")
  return [
    ...head,
    "Content-Type: multipart/mixed; boundary=b\n",
    `--b\n${text}`,
    `--b\nContent-Type: application/octet-stream; name=noise.bin\nContent-Transfer-Encoding: base64\n\n${encoded}`,
    "--b--\n"
  ].join("\n")
}

const put = (path, bytes, seconds) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
  utimesSync(path, seconds, seconds)
}
const fileOf = (number, flags) =>
  `${BEGIN + number * 600}.M${number}P1.sample${flags === undefined ? "" : `:2,${flags}`}`
const putMail = (folder, number, flags, attachment) =>
  put(
    join(maildir, folder, flags === undefined ? "new" : "cur", fileOf(number, flags)),
    mailText(number, attachment),
    BEGIN + number * 600
  )
const makeFolder = (folder) => {
  for (const sub of ["cur", "new", "tmp"]) mkdirSync(join(maildir, folder, sub), { recursive: true })
}
const moveMail = (from, to) => {
  mkdirSync(dirname(join(maildir, to)), { recursive: true })
  renameSync(join(maildir, from), join(maildir, to))
}
const say = (file, ...lines) =>
  appendFileSync(join(chats, file), lines.map((line) => `${JSON.stringify(line)}\n`).join(""))
const chat = (number, more = {}) => ({
  id: `m${number}`,
  conversation: number % 3 === 0 ? "family" : "zoë",
  at: number % 5 === 0 ? (BEGIN + number * 60) * 1000 : new Date((BEGIN + number * 60) * 1000).toISOString(),
  author: number % 2 === 0 ? "ada" : "zoë",
  direction: number % 2 === 0 ? "out" : "in",
  type: "text",
  text: prose(number, 3 + number % 20),
  ...more
})

const firstPass = () => {
  for (const folder of ["", ".Archive", ".Work &- Größe", ".Empty", ".Short-lived"]) makeFolder(folder)
  for (let number = 0; number < 12; number++) {
    putMail(number % 3 === 0 ? ".Archive" : "", number, number % 2 === 0 ? "S" : "RS")
  }
  putMail("", 12, "F", noise(12, 100_000))
  putMail("", 13, "", noise(13, 6_000))
  putMail(".Short-lived", 14, "S")
  put(join(maildir, "subscriptions"), "Archive\nWork &- Größe\n", BEGIN)
  mkdirSync(chats)
  say("chat.jsonl", ...Array.from({ length: 40 }, (_, number) => chat(number)))
  say("chat.jsonl", chat(40, { big: 12_345, list: [1, { deep: null }], reactions: [{ author: "ada", emoji: "👍" }] }))
}

const secondPass = () => {
  putMail("", 15)
  putMail("", 16)
  moveMail(`cur/${fileOf(1, "RS")}`, `cur/${fileOf(1, "FRS")}`)
  moveMail(`cur/${fileOf(2, "S")}`, `.Archive/cur/${fileOf(2, "S")}`)
  rmSync(join(maildir, "cur", fileOf(4, "S")))
  rmSync(join(maildir, ".Short-lived"), { recursive: true })
  put(join(maildir, "subscriptions"), "Archive\n", BEGIN + 60)
  // The same bytes under another name: two mails, one content.
  put(join(maildir, "cur", fileOf(113, "S")), mailText(13, noise(13, 6_000)), BEGIN)
  say(
    "chat.jsonl",
    { ...chat(3, { text: "as it should have been" }), op: "edit", edits: [{ text: "as it was" }] },
    { op: "remove", id: "m5", scope: "everyone", by: "zoë" },
    { op: "remove", id: "m7" },
    { op: "react", id: "m8", author: "zoë", emoji: "🎹" },
    { op: "unreact", id: "m40", author: "ada", emoji: "👍" },
    { op: "flags", id: "m9", flags: ["starred", "read"] },
    { op: "receipt", id: "m10", receipt: "read", by: "zoë" }
  )
}

const thirdPass = () => {
  moveMail(`new/${fileOf(15)}`, `cur/${fileOf(15, "S")}`)
  // As mail programs do that copy first and delete later: one mail in two folders.
  cpSync(join(maildir, "new", fileOf(16)), join(maildir, ".Archive/cur", fileOf(16, "")), { preserveTimestamps: true })
  say("chat.jsonl", { op: "restore", id: "m7" }, ...Array.from({ length: 30 }, (_, n) => chat(50 + n)))
}

/** So many ships that segments are compacted. */
const manyPasses = () => {
  for (let number = 100; number < 120; number++) {
    say("chat.jsonl", chat(number))
    sealog(["sync"])
  }
}

/** A copy of the home records a mail while the target is away; then both go on. */
const forkPass = () => {
  cpSync(join(work, "home"), join(work, "copy"), { recursive: true })
  renameSync(target, `${target}.away`)
  say("chat.jsonl", chat(90, { text: "seen by the copy first" }))
  sealog(["sync"], { home: "copy", expected: [3, 14] })
  renameSync(`${target}.away`, target)
  say("chat.jsonl", chat(91, { text: "seen by the machine first" }))
  sealog(["sync"])
  putMail("", 20, "S")
  sealog(["sync"], { home: "copy" })
}

/** A folder as lines: what kind, when it was touched (files only), its SHA-256, its path. */
const treeOf = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name)
    const shown = JSON.stringify(path.slice(folder.length + 1))
    if (entry.isDirectory()) return `folder ${shown}`
    return `file ${statSync(path).mtimeMs} ${createHash("sha256").update(readFileSync(path)).digest("hex")} ${shown}`
  }).toSorted()

const lines = (all) => all.map((line) => `${line}\n`).join("")
const same = (a, b, what) => {
  if (a !== b) throw new Error(`${what} is not what the store says`)
}

writeFileSync(join(work, "password.txt"), `${PASSWORD}\n`)
firstPass()
sealog([
  "init",
  "--source",
  `mail=maildir:${maildir}`,
  "--source",
  `chat=jsonl:${chats}`,
  "--target",
  `disk:${target}`,
  "--kdf-memory",
  "64",
  "--recovery-code-file",
  join(work, "recovery-code.txt")
])
sealog(["sync"])
for (const pass of [secondPass, thirdPass]) {
  pass()
  sealog(["sync"])
}
manyPasses()
forkPass()

const copy = { home: "copy" }
sealog(["verify", "--read-data"], copy)
const messages = ["chat=jsonl:", "mail=maildir:"]
  .map((spec) => sealog(["source", "dump", `${spec}${spec.startsWith("chat") ? chats : maildir}`])).join("")
const { fingerprint } = JSON.parse(sealog(["fingerprint"], copy))
const from = ["--from", `disk:${target}`]
const restored = JSON.parse(sealog(["restore", ...from, "--to", join(work, "jsonl")], { home: "none" }))
sealog(["restore", ...from, "--to", join(work, "tree"), "--format", "maildir"], { home: "none" })
same(readFileSync(join(work, "jsonl/messages.jsonl"), "utf8"), messages, "messages.jsonl")
const tree = lines(treeOf(maildir))
same(lines(treeOf(join(work, "tree/mail"))), tree, "the Maildir")

mkdirSync(fixture, { recursive: true })
cpSync(target, join(fixture, "vault"), { recursive: true })
rmSync(join(fixture, "vault/tmp"), { recursive: true, force: true })
for (const secret of ["password.txt", "recovery-code.txt"]) cpSync(join(work, secret), join(fixture, secret))
const { root, treeSize, writers } = restored
const expected = { fingerprint, messages: restored.messages, root, treeSize, writers }
writeFileSync(join(fixture, "expected.json"), `${JSON.stringify(expected, null, 2)}\n`)
writeFileSync(join(fixture, "messages.jsonl"), messages)
writeFileSync(join(fixture, "maildir.txt"), tree)
rmSync(work, { recursive: true })
console.log(`made ${fixture}: ${restored.messages} messages, ${treeSize} events, ${writers} writers`)
