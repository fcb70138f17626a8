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
  check(drill.fingerprint !== undefined, "the drill gave no fingerprint")
  screen.proof("passed", `${count(drill.messages)} mails restored, held against ${inWords(drill.compared)}`)
  screen.fact(
    "read",
    `${counted(drill.objectsRead, "object")}, ${bytes(drill.bytesRead)}, in ${millis(drill.seconds * 1_000)}`
  )
  screen.fact("would be lost now", drill.rpoSeconds === 0 ? "nothing" : `the last ${drill.rpoSeconds} s`)
  screen.fact(
    "a full restore",
    drill.rtoSeconds === null ? "not measured" : `about ${millis(drill.rtoSeconds * 1_000)}`
  )
  screen.fact("to keep on paper", drill.fingerprint ?? "")
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
  return drill.fingerprint ?? ""
}

const inWords = (parts: ReadonlyArray<string>): string => `the ${parts.join(", the ")}`

/** The target, beside what the demo knows to be in it. */
export const lookAtProvider = ({ provider, screen }: Stage, mailbox: Mailbox, made: Made): void => {
  screen.step("What the provider sees, and what is in it")
  const shown = [...made].toSorted((a, b) => rank(a.object.name) - rank(b.object.name))
  const more = provider.list().length - shown.length
  screen.table(
    ["name", "size", "in it, which only the key shows"],
    [
      ...shown.map(({ object, what }) => [shortName(object.name), `${count(object.bytes)} B`, what]),
      ...(more > 0 ? [[`and ${count(more)} more`, "", "the storm, and what changed meanwhile"]] : [])
    ],
    [1]
  )
  screen.text("")
  screen.fact("sizes", "padded: from 4,096 B up, in few steps, so that they tell little")
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
    `of ${words.length} subjects, addresses and folder names the provider has none;\n  the same search finds ${standing} of them in the mailbox`
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
export const tryToBreak = async ({ folder, provider, screen, sealog }: Stage): Promise<void> => {
  screen.step("A wrong password, the recovery code, a damaged copy")
  fs.writeFileSync(join(folder, WRONG.passwordFile), "rhubarb never dies, slugs always sleep\n", { mode: 0o600 })
  const into = ["--to", "new-laptop/nothing"]
  const guess = ["restore", "--from", `disk:${VAULT}`, ...into]
  const refused = await sealog.json<ErrorLine>(WRONG, guess, EXIT_NO_KEY)
  screen.proof("wrong password", `exit ${EXIT_NO_KEY}: ${refused.document.message.split(" at disk:")[0]}`)

  const verify = ["verify", "--from", `disk:${VAULT}`, "--read-data", "--recovery-code-file", RECOVERY_CODE]
  const { document: whole } = await sealog.json<VerifyReport>(NEW_LAPTOP, verify)
  check(whole.findings.length === 0, "the vault did not verify")
  screen.proof(
    "recovery code",
    `opens it too: ${counted(whole.targets[0]?.treeSize ?? 0, "event")}, every byte verified`
  )

  fs.cpSync(join(folder, VAULT), join(folder, DAMAGED), { recursive: true })
  const [largest] = provider.list().filter(({ name }) => name.startsWith("log/")).toSorted((a, b) => b.bytes - a.bytes)
  check(largest !== undefined, "there is no object to damage")
  if (largest === undefined) return
  flipOneBit(join(folder, DAMAGED, largest.name))
  const open = ["--recovery-code-file", RECOVERY_CODE]
  const blind = ["restore", "--from", `disk:${DAMAGED}`, ...into, ...open]
  await sealog.json<ErrorLine>(NEW_LAPTOP, blind, EXIT_NOT_VERIFIED)
  const check13 = ["verify", "--from", `disk:${DAMAGED}`, "--read-data", ...open]
  const { document: found } = await sealog.json<VerifyReport>(NEW_LAPTOP, check13, EXIT_NOT_VERIFIED)
  const named = found.findings.find(({ object }) => object === largest.name)
  check(named !== undefined, "the damaged object was not named")
  const nothing = join(folder, "new-laptop/nothing")
  const written = fs.existsSync(nothing) ? fs.readdirSync(nothing) : []
  check(written.length === 0, `what should not have been was restored: ${written.join(", ")}`)
  screen.proof("one bit flipped", `exit ${EXIT_NOT_VERIFIED}: nothing restored, ${shortName(largest.name)} named`)
}

interface ErrorLine {
  readonly reason: string
  readonly message: string
}

const WRONG = { ...NEW_LAPTOP, passwordFile: "new-laptop/wrong-password" }
const DAMAGED = "provider/damaged-copy"

const flipOneBit = (path: string): void => {
  const data = fs.readFileSync(path)
  const middle = Math.floor(data.length / 2)
  data.writeUInt8(data.readUInt8(middle) ^ 1, middle)
  fs.writeFileSync(path, data)
}
