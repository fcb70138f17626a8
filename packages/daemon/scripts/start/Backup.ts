/**
 * The first half of the demo: a mailbox, a vault, the daemon at work, and the power going in the middle of it.
 */
import { bytes, count, counted } from "@sealog/daemon/present/Units"
import type { InitReport, LogLine, StatusReport, SyncReport } from "@sealog/daemon/Reports"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { BACK, type Chats, HASTE, makeChats, MORE, POND } from "./Chats.ts"
import { ARCHIVE, inventedArrivals, type Mailbox, makeMailbox } from "./Mailbox.ts"
import { shortName, type StoredObject } from "./Provider.ts"
import { commandLine, type Daemon } from "./Sealog.ts"
import { check, until } from "./Signs.ts"
import { LAPTOP, MAILBOX, millis, RECOVERY_CODE, type Stage, VAULT, WHATSAPP } from "./Stage.ts"

/** What made which object. */
export type Made = ReadonlyArray<{ readonly object: StoredObject; readonly what: string }>

const INVENTED_MAILS = 2_000
const INVENTED_MESSAGES = 600
/** The daemon's default is to gather for two seconds; here every mail is shipped at once, so that it can be timed. */
const RUN = ["run", "--ship-delay", "0"]

/** What is backed up. */
export interface Stores {
  readonly mailbox: Mailbox
  readonly chats: Chats
}

export const makeSamples = ({ folder, samples, screen }: Stage): Stores => {
  screen.step("A mailbox, and WhatsApp")
  const made = makeMailbox({ root: join(folder, MAILBOX), samples, invented: INVENTED_MAILS })
  screen.fact("a Maildir", MAILBOX)
  screen.fact("in it", `${count(made.messages)} mails in ${made.folders} folders, ${bytes(made.bytes)}`)
  const { chats, files, messages } = makeChats({ root: join(folder, WHATSAPP), invented: INVENTED_MESSAGES })
  screen.fact("a store of WhatsApp", WHATSAPP)
  screen.fact("in it", `${count(messages)} messages and ${files} files, as the app keeps them on a Mac`)
  return { mailbox: made.mailbox, chats }
}

export const makeVault = async ({ sealog, screen }: Stage): Promise<void> => {
  screen.step("A vault for them, on a disk")
  const places = ["--source", `maildir:${MAILBOX}`, "--source", `whatsapp:${WHATSAPP}`, "--target", `disk:${VAULT}`]
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
  screen.fact("recorded", `${counted(status.treeSize, "event")} of mails, messages, files and the rest`)
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
    : "mails and messages of the beginning"

/** Mails come one by one; each is timed from its delivery to its object at the target. */
export const receiveMail = async (stage: Stage, { mailbox }: Stores): Promise<Made> => {
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
export const changeMail = (stage: Stage, { mailbox }: Stores): Promise<Made> => {
  stage.screen.step("Mail is read, moved, deleted")
  return timeEach(stage, "change", [
    ["\"Keys\" is read and flagged", async () => mailbox.flag("1715036800.M12P1.sample", "FS")],
    ["\"Thank you both\" is archived", async () => mailbox.move("1714432000.M5P1.sample", ARCHIVE)],
    ["\"Two books are waiting…\" is deleted", async () => mailbox.remove("1714518400.M6P1.sample")]
  ])
}

/** Every way in which a message of WhatsApp changes; nothing of it is sent again, and nothing of it is forgotten. */
export const chat = async (stage: Stage, { chats }: Stores): Promise<void> => {
  stage.screen.step("WhatsApp goes on: a message is edited, one taken back, a photo comes late")
  const rows = { back: 0, haste: 0, pond: 0 }
  await timeEach(stage, "message or change", [
    [`"${BACK}" comes`, async () => void (rows.back = chats.receive(BACK))],
    ["it is edited", async () => chats.edit(rows.back, MORE)],
    ["Mara puts a heart to it", async () => chats.react(rows.back, "❤️")],
    ["\"I take back what I said…\" comes", async () => void (rows.haste = chats.receive(HASTE))],
    ["it is deleted for everyone", async () => chats.deleteForEveryone(rows.haste)],
    ["a photo is sent, and not here yet", async () => void (rows.pond = chats.receivePhoto(POND))]
  ])
  // That it is not here is told after its message.
  await catchUp(stage)
  await timeEach(stage, "file", [["the photo comes", async () => chats.photoComes(rows.pond)]])
  stage.screen.text("")
  stage.screen.text("What changed is looked for about once a second, and a file is taken once nothing")
  stage.screen.text("was written to it for two.")
  await requireHistory(stage, chats, rows)
}

/** The log holds every version and every change, in order: also the words that were taken back. */
const requireHistory = async (
  { screen, sealog }: Stage,
  chats: Chats,
  { back, haste, pond }: { readonly back: number; readonly haste: number; readonly pond: number }
): Promise<void> => {
  const words = ["log"]
  screen.text("")
  screen.command(commandLine(words))
  const lines = await sealog.lines<LogLine>(LAPTOP, words)
  const historyOf = (row: number) =>
    lines.flatMap(({ body, kind }) => {
      const message = body["message"] as { readonly key: string; readonly text?: string } | undefined
      if ((message?.key ?? body["key"]) !== chats.keyOf(row)) return []
      return [[kind, message?.text ?? body["emoji"] ?? body["scope"] ?? body["reason"] ?? ""].join(" ").trim()]
    })
  requireSame("the edited message", historyOf(back), [
    `message.added ${BACK}`,
    `message.edited ${MORE}`,
    "reaction.added ❤️"
  ])
  requireSame("the deleted message", historyOf(haste), [`message.added ${HASTE}`, "message.removed everyone"])
  requireSame("the photo", historyOf(pond), [
    `message.added ${POND}`,
    "attachment.missing not on this machine",
    "attachment.content"
  ])
  screen.proof(
    "nothing forgotten",
    "the words before the edit, those that were taken back,\n  the heart, the late photo"
  )
}

const requireSame = (what: string, found: ReadonlyArray<string>, wanted: ReadonlyArray<string>): void =>
  check(found.join("\n") === wanted.join("\n"), `the log says of ${what}:\n${found.join("\n")}`)

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
export const losePower = async (stage: Stage, stores: Stores, daemon: Daemon): Promise<Daemon> => {
  const { screen, sealog } = stage
  const { chats, mailbox } = stores
  screen.step("The power goes: kill -9 while mail pours in")
  const storm = await killAmong(stage, mailbox, daemon)
  screen.command(`kill -9 ${daemon.pid}`)
  mailbox.flag("1715641600.M19P1.sample", "FS")
  mailbox.move("1715987200.M23P1.sample", ARCHIVE)
  screen.fact("killed", `while mail ${count(storm.before + 1)} of a storm was being delivered`)
  chats.receive("And while nobody looked, a message")
  screen.fact(
    "while it was dead",
    `${counted(storm.after, "mail")} and a message came,\none mail was flagged, one was moved`
  )
  screen.command(commandLine(RUN))
  const began = performance.now()
  const next = await sealog.daemon(LAPTOP, RUN)
  await catchUp(stage)
  const took = performance.now() - began
  screen.fact("ready again", `after ${millis(next.readyMillis)}`)
  screen.fact("caught up", `after ${millis(took)}: everything is at the target`)
  stage.measured.push(["restart after kill -9", `ready in ${millis(next.readyMillis)}, caught up in ${millis(took)}`])
  await requireEachOnce(stage, stores)
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

/** The log itself says it: every mail and message that ever was there was recorded, and none twice. */
const requireEachOnce = async ({ screen, sealog }: Stage, { chats, mailbox }: Stores): Promise<void> => {
  const words = ["log"]
  screen.command(commandLine(words))
  const lines = await sealog.lines<LogLine>(LAPTOP, words)
  const recorded = (name: string, wanted: number) => {
    const added = lines.filter(({ kind, source }) => kind === "message.added" && source === name)
    const keys = new Set(added.map(({ body }) => (body["message"] as { readonly key: string }).key))
    check(keys.size === added.length, `the log records ${added.length - keys.size} of ${name} twice`)
    check(keys.size === wanted, `the log has ${keys.size} of ${name}, and ${wanted} were there`)
    return count(keys.size)
  }
  const mails = recorded("maildir", mailbox.everThere())
  const messages = recorded("whatsapp", chats.everThere())
  screen.proof("nothing lost", `each of ${mails} mails and ${messages} messages was recorded\n  exactly once`)
}

/** Asks the daemon for a pass and waits for its answer: everything is read, and at every target. */
const catchUp = async ({ sealog }: Stage): Promise<void> => {
  const { document } = await sealog.json<SyncReport>(LAPTOP, ["sync"])
  check(document.targets.every(({ state }) => state === "current"), "a target is behind after a sync")
}

const statusOf = async ({ sealog }: Stage): Promise<StatusReport> =>
  (await sealog.json<StatusReport>(LAPTOP, ["status"])).document
