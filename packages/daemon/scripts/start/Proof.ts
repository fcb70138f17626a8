/**
 * The second half of the demo: what a drill says, what the provider sees, and everything coming back on a machine
 * that has only the password; then what happens to those without it, and to a damaged copy.
 */
import { bytes, count, counted } from "@sealog/daemon/present/Units"
import type { DrillReport, RestoreReport, VerifyReport } from "@sealog/daemon/Reports"
import * as fs from "node:fs"
import { join } from "node:path"
import type { Made, Stores } from "./Backup.ts"
import { BACK, digestsOf, HASTE, MORE, POND } from "./Chats.ts"
import { shortName } from "./Provider.ts"
import { commandLine, type Daemon } from "./Sealog.ts"
import { check, until } from "./Signs.ts"
import {
  LAPTOP,
  MAILBOX,
  millis,
  NEW_LAPTOP,
  RECOVERY_CODE,
  RESTORED,
  RESTORED_LINES,
  type Stage,
  VAULT,
  WHATSAPP
} from "./Stage.ts"
import { compareTrees } from "./Trees.ts"

/** Rehearses a restore and shows the status; gives the fingerprint to keep on paper. */
export const rehearse = async (stage: Stage): Promise<string> => {
  const { screen, sealog } = stage
  screen.step("A drill: a restore rehearsed while the daemon works")
  const words = ["drill", "--full"]
  screen.command(commandLine(words))
  const { document: drill } = await sealog.json<DrillReport>(LAPTOP, words)
  check(drill.outcome === "passed" && drill.findings.length === 0, `the drill ${drill.outcome}`)
  const { fingerprint } = drill
  check(fingerprint !== undefined, "the drill gave no fingerprint")
  screen.proof("passed", `${count(drill.messages)} messages restored, and held against\n  ${inWords(drill.compared)}`)
  screen.fact(
    "read",
    `${counted(drill.objectsRead, "object")}, ${bytes(drill.bytesRead)}, in ${millis(drill.seconds * 1_000)}`
  )
  screen.fact("would be lost now", drill.rpoSeconds === 0 ? "nothing" : `the last ${drill.rpoSeconds} s`)
  screen.fact(
    "a full restore",
    drill.rtoSeconds === null ? "not measured" : `about ${millis(drill.rtoSeconds * 1_000)}`
  )
  screen.fact("to keep on paper", fingerprint)
  const objects = stage.provider.list()
  const stored = objects.reduce((sum, object) => sum + object.bytes, 0)
  stage.measured.push(
    ["recorded", counted(drill.treeSize, "event")],
    ["at the provider", `${counted(objects.length, "object")}, ${bytes(stored)}`],
    ["drill", `passed: ${count(drill.messages)} messages in ${millis(drill.seconds * 1_000)}`]
  )
  screen.text("")
  screen.command(commandLine(["status"]))
  screen.text(await sealog.text(LAPTOP, ["status"]))
  return fingerprint
}

const inWords = (parts: ReadonlyArray<string>): string => `the ${parts.join(", the ")}`

/** The target, beside what the demo knows to be in it. */
export const lookAtProvider = ({ provider, screen }: Stage, made: Made): void => {
  screen.step("What the provider sees, and what is in it")
  const there = provider.list()
  const known = made.filter(({ object }) => there.some(({ name }) => name === object.name))
  const shown = known.toSorted((a, b) => rank(a.object.name) - rank(b.object.name))
  const merged = made.length - known.length
  screen.table(
    ["name", "size", "in it, which only the key shows"],
    shown.map(({ object, what }) => [shortName(object.name), `${count(object.bytes)} B`, what]),
    [1]
  )
  if (merged > 0) screen.text(`${counted(merged, "small object")} of before were merged into larger ones.`)
  screen.text("")
  screen.fact("sizes", "padded, in few steps from 4,096 B up")
}

const rank = (name: string): number => ["sealog.json", "slots", "blobs", "log"].indexOf(name.split("/")[0] ?? "")

/** The same search that finds nothing at the target finds the words in the stores, but for those of what was deleted. */
export const requireUnreadable = ({ provider, screen }: Stage, { chats, mailbox }: Stores): void => {
  screen.step("All that is said, searched for at the provider")
  const words = [...mailbox.words, ...chats.words]
  const standing = words.filter((word) => mailbox.contains(word) || chats.contains(word)).length
  check(standing > words.length / 2, "the search misses words that stand in the stores")
  const readable = provider.search(words)
  check(readable.length === 0, `readable at the target: ${readable.join(", ")}`)
  screen.proof(
    "unreadable",
    `none of ${words.length} subjects, addresses, sentences and names;\n  the same search finds ${standing} on the laptop`
  )
}

/** The first machine is gone; another restores with the password and eight words. */
export const restoreElsewhere = async (
  stage: Stage,
  { chats }: Stores,
  daemon: Daemon,
  fingerprint: string
): Promise<void> => {
  const { folder, screen, sealog } = stage
  screen.step("The laptop is lost; a new one has the password, and eight words on paper")
  const stopped = await daemon.stop()
  screen.fact("daemon stopped", `in ${millis(stopped)}`)
  chats.close()
  await putOutOfReach(folder)
  const what = ["restore", "--from", `disk:${VAULT}`, "--to", RESTORED, "--format", "maildir"]
  const words = [...what, "--expect-fingerprint", fingerprint]
  screen.command(commandLine(words))
  const { document: restored, millis: took } = await sealog.json<RestoreReport>(NEW_LAPTOP, words)
  check(restored.gaps.length === 0, `the restore has ${restored.gaps.length} gaps`)
  check(restored.freshness.state === "proven", `the restore's freshness is ${restored.freshness.state}`)
  screen.fact(
    "restored",
    `${counted(restored.messages, "message")} from ${counted(restored.objectsRead, "object")} in ${millis(took)}`
  )
  stage.measured.push(["full restore", `${counted(restored.messages, "message")} in ${millis(took)}`])
  screen.proof("not rolled back", "the vault is no older than the eight words")
  const { bytes: compared, differences, files, folders } = compareTrees(
    join(folder, LOST, MAILBOX.slice(MAILBOX.indexOf("/") + 1)),
    join(folder, RESTORED, "maildir")
  )
  check(differences.length === 0, `the restored mailbox differs:\n${differences.slice(0, 20).join("\n")}`)
  screen.proof(
    "identical",
    `${count(files)} files in ${count(folders)} folders, ${
      bytes(compared)
    }: names, bytes,\n  and times to the microsecond`
  )
  await restoreChats(stage, fingerprint)
}

/** What is no mail comes back as lines of JSON and the files that came with it: what the lost store itself would give. */
const restoreChats = async ({ folder, screen, sealog }: Stage, fingerprint: string): Promise<void> => {
  const what = ["restore", "--from", `disk:${VAULT}`, "--to", RESTORED_LINES, "--with-attachments"]
  const words = [...what, "--expect-fingerprint", fingerprint]
  screen.text("")
  screen.command(commandLine(words))
  const { document: restored } = await sealog.json<RestoreReport>(NEW_LAPTOP, words)
  check(restored.gaps.length === 0, `the restore has ${restored.gaps.length} gaps`)
  const store = `${LOST}/${WHATSAPP.slice(WHATSAPP.indexOf("/") + 1)}`
  const dumped = (await sealog.text(NEW_LAPTOP, ["source", "dump", `whatsapp:${store}`])).split("\n")
  const lines = fs.readFileSync(join(folder, RESTORED_LINES, "messages.jsonl"), "utf8").split("\n")
    .filter((line) => line.includes("\"source\":\"whatsapp\""))
  const differing = dumped.filter((line, place) => line !== lines[place]).length
  check(differing === 0 && lines.length === dumped.length, `${differing} lines of WhatsApp differ`)
  requireChanges(lines)
  screen.proof(
    "identical",
    `${count(lines.length)} messages of WhatsApp, to the byte what the lost store gives:\n  ${SHOWN}`
  )
  const files = digestsOf(join(folder, store, "Message"))
  const back = digestsOf(join(folder, RESTORED_LINES, "attachments"))
  check(back.size === files.size && [...files].every((file) => back.has(file)), "files that came with messages differ")
  screen.proof("files", `${count(back.size)} photos, videos, voices and documents, the late one too`)
}

const SHOWN = "the edited words, the heart; not what was taken back"

/** What happened while the daemon watched shows in what was restored. */
const requireChanges = (lines: ReadonlyArray<string>): void => {
  const saying = (words: string) => lines.filter((line) => line.includes(JSON.stringify(words)))
  const [edited] = saying(MORE)
  check(saying(MORE).length === 1 && saying(BACK).length === 0, "the edited message did not come back as it is now")
  check(
    edited?.includes("\"reactions\":[{\"author\":\"me\",\"emoji\":\"❤️\"}]") === true,
    "the heart did not come back"
  )
  check(saying(HASTE).length === 0, "what was deleted for everyone came back")
  check(saying(POND).length === 1, "the message of the photo did not come back")
}

/** Where the first machine lies once it is lost. */
const LOST = "lost-laptop"

/** Nothing of it can be used from here on. */
const putOutOfReach = async (folder: string): Promise<void> => {
  await until("the laptop's files to be let go", () => {
    try {
      fs.renameSync(join(folder, "laptop"), join(folder, LOST))
      return true
    } catch (error) {
      // On Windows a file may be held a little longer than the process that held it.
      if (process.platform !== "win32") throw error
      return undefined
    }
  })
}

const EXIT_NO_KEY = 12
const EXIT_NOT_VERIFIED = 13

/** Someone with another password, someone with the recovery code, and a disk that lost a bit. */
export const tryToBreak = async (stage: Stage): Promise<void> => {
  stage.screen.step("A wrong password, the recovery code, a damaged copy")
  await guessPassword(stage)
  await openWithCode(stage)
  await loseOneBit(stage)
  const nothing = join(stage.folder, NOTHING)
  const written = fs.existsSync(nothing) ? fs.readdirSync(nothing) : []
  check(written.length === 0, `what should not have been was restored: ${written.join(", ")}`)
}

const guessPassword = async ({ folder, screen, sealog }: Stage): Promise<void> => {
  fs.writeFileSync(join(folder, WRONG.passwordFile), "rhubarb never dies, slugs always sleep\n", { mode: 0o600 })
  const words = ["restore", "--from", `disk:${VAULT}`, "--to", NOTHING]
  const { document } = await sealog.json<ErrorLine>(WRONG, words, EXIT_NO_KEY)
  check(document.reason === "WrongPassword", `the refusal's reason is ${document.reason}`)
  screen.proof("wrong password", `exit ${EXIT_NO_KEY}, and nothing restored`)
}

const openWithCode = async ({ screen, sealog }: Stage): Promise<void> => {
  const words = ["verify", "--from", `disk:${VAULT}`, "--read-data", ...WITH_CODE]
  const { document } = await sealog.json<VerifyReport>(NEW_LAPTOP, words)
  check(document.findings.length === 0, "the vault did not verify")
  const events = document.targets.reduce((sum, { treeSize }) => sum + treeSize, 0)
  screen.proof("recovery code", `opens it too: ${counted(events, "event")}, each byte verified`)
}

const loseOneBit = async ({ folder, provider, screen, sealog }: Stage): Promise<void> => {
  const [largest] = provider.list().filter(({ name }) => name.startsWith("log/")).toSorted((a, b) => b.bytes - a.bytes)
  check(largest !== undefined, "there is no object to damage")
  fs.cpSync(join(folder, VAULT), join(folder, DAMAGED), { recursive: true })
  flipOneBit(join(folder, DAMAGED, largest.name))
  const restore = ["restore", "--from", `disk:${DAMAGED}`, "--to", NOTHING, ...WITH_CODE]
  await sealog.json<ErrorLine>(NEW_LAPTOP, restore, EXIT_NOT_VERIFIED)
  const verify = ["verify", "--from", `disk:${DAMAGED}`, "--read-data", ...WITH_CODE]
  const { document } = await sealog.json<VerifyReport>(NEW_LAPTOP, verify, EXIT_NOT_VERIFIED)
  check(document.findings.some(({ object }) => object === largest.name), "the damaged object was not named")
  screen.proof("one bit flipped", `exit ${EXIT_NOT_VERIFIED}, nothing restored, and the object named`)
}

interface ErrorLine {
  readonly reason: string
}

const WRONG = { ...NEW_LAPTOP, passwordFile: "new-laptop/wrong-password" }
const WITH_CODE = ["--recovery-code-file", RECOVERY_CODE]
const NOTHING = "new-laptop/nothing"
const DAMAGED = "provider/damaged-copy"

const flipOneBit = (path: string): void => {
  const data = fs.readFileSync(path)
  const middle = Math.floor(data.length / 2)
  data.writeUInt8(data.readUInt8(middle) ^ 1, middle)
  fs.writeFileSync(path, data)
}
