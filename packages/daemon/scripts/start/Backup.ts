/**
 * The first half of the demo: a mailbox, a vault, the daemon at work, and the power going in the middle of it.
 */
import { bytes, count, counted } from "@sealog/daemon/present/Units"
import type { InitReport, LogLine, StatusReport, SyncReport } from "@sealog/daemon/Reports"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { ARCHIVE, inventedArrivals, type Mailbox, makeMailbox } from "./Mailbox.ts"
import { shortName, type StoredObject } from "./Provider.ts"
import { commandLine, type Daemon } from "./Sealog.ts"
import { check, until } from "./Signs.ts"
import { LAPTOP, MAILBOX, millis, RECOVERY_CODE, type Stage, VAULT } from "./Stage.ts"

/** What made which object. */
export type Made = ReadonlyArray<{ readonly object: StoredObject; readonly what: string }>

const INVENTED_MAILS = 2_000
/** The daemon's default is to gather for two seconds; here every mail is shipped at once, so that it can be timed. */
const RUN = ["run", "--ship-delay", "0"]

export const makeSamples = ({ folder, samples, screen }: Stage): Mailbox => {
  screen.step("A mailbox")
  const made = makeMailbox({ root: join(folder, MAILBOX), samples, invented: INVENTED_MAILS })
  screen.fact("a Maildir", MAILBOX)
  screen.fact("in it", `${count(made.messages)} mails in ${made.folders} folders, ${bytes(made.bytes)}`)
  return made.mailbox
}

export const makeVault = async ({ sealog, screen }: Stage): Promise<void> => {
  screen.step("A vault for it, on a disk")
  const places = ["--source", `maildir:${MAILBOX}`, "--target", `disk:${VAULT}`]
  const words = ["init", ...places, "--recovery-code-file", RECOVERY_CODE]
  screen.command(commandLine(words))
  const { document, millis: took } = await sealog.json<InitReport>(LAPTOP, words)
  screen.fact("vault", `${document.vaultId.slice(0, 16)}…`)
  screen.fact("locked with", "a password (Argon2id, 256 MiB for each guess)\nand a recovery code")
  screen.fact("took", millis(took))
}

/** Starts the daemon and lets it take in everything. */
export const firstBackup = async (stage: Stage): Promise<{ readonly daemon: Daemon; readonly made: Made }> => {
  const { provider, screen, sealog } = stage
  screen.step("The daemon starts, and takes in what is there")
  screen.command(commandLine(RUN))
  const began = performance.now()
  const daemon = await sealog.daemon(LAPTOP, RUN)
  await catchUp(stage)
  const took = performance.now() - began
  const status = await statusOf(stage)
  const objects = provider.list()
  const stored = objects.reduce((sum, object) => sum + object.bytes, 0)
  screen.fact("ready", `after ${millis(daemon.readyMillis)}`)
  screen.fact("recorded", `${counted(status.treeSize, "event")} of mails, folders and other files`)
  screen.fact("at the target", `${counted(objects.length, "object")}, ${bytes(stored)}`)
  screen.fact("all of it safe", `${millis(took)} after the start`)
  return { daemon, made: objects.map((object) => ({ object, what: originOf(object) })) }
}

const originOf = ({ name }: StoredObject): string =>
  name === "sealog.json"
    ? "format and a random id: all that is readable"
    : name.startsWith("slots/")
    ? "the vault's key, locked"
    : name.startsWith("blobs/")
    ? "a photo"
    : "the mails of the beginning"

/** Mails come one by one; each is timed from its delivery to its object at the target. */
export const receiveMail = async (stage: Stage, mailbox: Mailbox): Promise<Made> => {
  stage.screen.step("Mail arrives")
  const letters = mailbox.arriving.map(({ bytes: letter, subject }) =>
    [`"${subject}"`, () => mailbox.deliver(letter)] as const
  )
  const made = await timeEach(stage, "mail", letters)
  stage.screen.text("")
  stage.screen.text("Timed from the rename that delivers a mail to its object lying under its final")
  stage.screen.text("name at the target, which it does only once it is synced. Without --ship-delay 0")
  stage.screen.text("the daemon first gathers for two seconds, which makes fewer objects.")
  const times = made.map(({ millis: took }) => took).toSorted((a, b) => a - b)
  stage.measured.push(["from delivery to target", `${millis(times[0] ?? 0)} to ${millis(times.at(-1) ?? 0)}`])
  return made
}

/** What people do to mails; none of it sends a mail again. */
export const changeMail = (stage: Stage, mailbox: Mailbox): Promise<Made> => {
  stage.screen.step("Mail is read, moved, deleted")
  return timeEach(stage, "change", [
    ["\"Keys\" is read and flagged", async () => mailbox.flag("1715036800.M12P1.sample", "FS")],
    ["\"Thank you both\" is archived", async () => mailbox.move("1714432000.M5P1.sample", ARCHIVE)],
    ["\"Two books are waiting…\" is deleted", async () => mailbox.remove("1714518400.M6P1.sample")]
  ])
}

const timeEach = async (
  { provider, screen }: Stage,
  kind: string,
  doings: ReadonlyArray<readonly [what: string, act: () => Promise<void>]>
) => {
  const made: Array<Made[number] & { readonly millis: number }> = []
  for (const [what, act] of doings) made.push({ what, ...(await provider.after(what, act)) })
  screen.table(
    [kind, "safe after", "as the object", "of size"],
    made.map((
      { millis: took, object, what }
    ) => [what, millis(took), shortName(object.name), `${count(object.bytes)} B`]),
    [1, 3]
  )
  return made
}

/** Mails pour in, the daemon is killed among them, and the mailbox goes on changing while nobody watches. */
export const losePower = async (stage: Stage, mailbox: Mailbox, daemon: Daemon): Promise<Daemon> => {
  const { screen, sealog } = stage
  screen.step("The power goes: kill -9 while mail pours in")
  const storm = await killAmong(stage, mailbox, daemon)
  screen.command(`kill -9 ${daemon.pid}`)
  mailbox.flag("1715641600.M19P1.sample", "FS")
  mailbox.move("1715987200.M23P1.sample", ARCHIVE)
  screen.fact("killed", `while mail ${count(storm.before + 1)} of a storm was being delivered`)
  screen.fact("while it was dead", `${counted(storm.after, "mail")} came, one was flagged, one was moved`)
  screen.command(commandLine(RUN))
  const began = performance.now()
  const next = await sealog.daemon(LAPTOP, RUN)
  await catchUp(stage)
  const took = performance.now() - began
  screen.fact("ready again", `after ${millis(next.readyMillis)}`)
  screen.fact("caught up", `after ${millis(took)}: everything is at the target`)
  stage.measured.push(["restart after kill -9", `ready in ${millis(next.readyMillis)}, caught up in ${millis(took)}`])
  await requireEachOnce(stage, mailbox)
  return next
}

/** More than this without an object at the target means that nothing is shipped. */
const STORM_MAILS = 5_000
const AFTER_DEATH = 40

const killAmong = async ({ provider }: Stage, mailbox: Mailbox, daemon: Daemon) => {
  const before = provider.list()
  let delivered = 0
  let deliveredAtDeath: number | undefined
  const storm = (async () => {
    for (const mail of inventedArrivals()) {
      if (deliveredAtDeath !== undefined && delivered >= deliveredAtDeath + AFTER_DEATH) break
      if (delivered >= STORM_MAILS) break
      await mailbox.deliver(mail)
      delivered++
    }
  })()
  const fall = (async () => {
    await until("the daemon to ship out of the storm", () => provider.since(before)[0])
    await daemon.kill()
    deliveredAtDeath = delivered
  })()
  await Promise.all([storm, fall])
  const atDeath = deliveredAtDeath ?? 0
  return { before: atDeath, after: delivered - atDeath }
}

/** The log itself says it: every mail that ever was there was recorded, and none twice. */
const requireEachOnce = async ({ screen, sealog }: Stage, mailbox: Mailbox): Promise<void> => {
  const words = ["log"]
  screen.command(commandLine(words))
  const lines = await sealog.lines<LogLine>(LAPTOP, words)
  const added = lines.filter(({ kind }) => kind === "message.added")
  const keys = new Set(added.map(({ body }) => (body["message"] as { readonly key: string }).key))
  check(keys.size === added.length, `the log records ${added.length - keys.size} mails twice`)
  check(keys.size === mailbox.everThere(), `the log has ${keys.size} mails, and ${mailbox.everThere()} were delivered`)
  screen.proof("nothing lost", `each of ${count(keys.size)} mails was recorded exactly once`)
}

/** Asks the daemon for a pass and waits for its answer: everything is read, and at every target. */
const catchUp = async ({ sealog }: Stage): Promise<void> => {
  const { document } = await sealog.json<SyncReport>(LAPTOP, ["sync"])
  check(document.targets.every(({ state }) => state === "current"), "a target is behind after a sync")
}

const statusOf = async ({ sealog }: Stage): Promise<StatusReport> =>
  (await sealog.json<StatusReport>(LAPTOP, ["status"])).document
