/**
 * The second half of the demo: what a drill says, what the provider sees, and everything coming back on a machine
 * that has only the password; then what happens to those without it, and to a damaged copy.
 */
import { bytes, count, counted } from "@sealog/daemon/present/Units"
import type { DrillReport, RestoreReport, VerifyReport } from "@sealog/daemon/Reports"
import * as fs from "node:fs"
import { join } from "node:path"
import type { Made } from "./Backup.ts"
import type { Mailbox } from "./Mailbox.ts"
import { shortName } from "./Provider.ts"
import { commandLine, type Daemon } from "./Sealog.ts"
import { check, until } from "./Signs.ts"
import { LAPTOP, MAILBOX, millis, NEW_LAPTOP, RECOVERY_CODE, RESTORED, type Stage, VAULT } from "./Stage.ts"
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
  screen.proof("passed", `${count(drill.messages)} mails restored, and held against\n  ${inWords(drill.compared)}`)
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
    ["drill", `passed: ${count(drill.messages)} mails in ${millis(drill.seconds * 1_000)}`]
  )
  screen.text("")
  screen.command(commandLine(["status"]))
  screen.text(await sealog.text(LAPTOP, ["status"]))
  return fingerprint
}

const inWords = (parts: ReadonlyArray<string>): string => `the ${parts.join(", the ")}`

/** The target, beside what the demo knows to be in it. */
export const lookAtProvider = ({ provider, screen }: Stage, mailbox: Mailbox, made: Made): void => {
  screen.step("What the provider sees, and what is in it")
  const there = provider.list()
  const known = made.filter(({ object }) => there.some(({ name }) => name === object.name))
  const shown = known.toSorted((a, b) => rank(a.object.name) - rank(b.object.name))
  const more = there.length - shown.length
  const merged = made.length - known.length
  screen.table(
    ["name", "size", "in it, which only the key shows"],
    [
      ...shown.map(({ object, what }) => [shortName(object.name), `${count(object.bytes)} B`, what]),
      ...(more > 0 ? [[`and ${count(more)} more`, "", "the storm, and what changed meanwhile"]] : [])
    ],
    [1]
  )
  if (merged > 0) screen.text(`${counted(merged, "small object")} of before were merged into larger ones.`)
  screen.text("")
  screen.fact("sizes", "padded, in few steps from 4,096 B up")
  requireUnreadable({ provider, screen }, mailbox)
}

const rank = (name: string): number => ["sealog.json", "slots", "blobs", "log"].indexOf(name.split("/")[0] ?? "")

/** The same search that finds nothing at the target finds the words in the mailbox, but for those of a deleted mail. */
const requireUnreadable = ({ provider, screen }: Pick<Stage, "provider" | "screen">, mailbox: Mailbox): void => {
  const { words } = mailbox
  const standing = words.filter((word) => mailbox.contains(word)).length
  check(standing > words.length / 2, "the search misses words that stand in the mailbox")
  const readable = provider.search(words)
  check(readable.length === 0, `readable at the target: ${readable.join(", ")}`)
  screen.proof(
    "unreadable",
    `none of ${words.length} subjects, addresses and folder names;\n  the same search finds ${standing} in the mailbox`
  )
}

/** The first machine is gone; another restores with the password and eight words. */
export const restoreElsewhere = async (stage: Stage, daemon: Daemon, fingerprint: string): Promise<void> => {
  const { folder, screen, sealog } = stage
  screen.step("The laptop is lost; a new one has the password, and eight words on paper")
  const stopped = await daemon.stop()
  screen.fact("daemon stopped", `in ${millis(stopped)}`)
  await putOutOfReach(folder)
  const what = ["restore", "--from", `disk:${VAULT}`, "--to", RESTORED, "--format", "maildir"]
  const words = [...what, "--expect-fingerprint", fingerprint]
  screen.command(commandLine(words))
  const { document: restored, millis: took } = await sealog.json<RestoreReport>(NEW_LAPTOP, words)
  check(restored.gaps.length === 0, `the restore has ${restored.gaps.length} gaps`)
  check(restored.freshness.state === "proven", `the restore's freshness is ${restored.freshness.state}`)
  screen.fact(
    "restored",
    `${counted(restored.messages, "mail")} from ${counted(restored.objectsRead, "object")} in ${millis(took)}`
  )
  stage.measured.push(["full restore", `${counted(restored.messages, "mail")} in ${millis(took)}`])
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
