/**
 * What `npm start` shows: the whole of sealog at work, for real, on samples and in one temporary folder. A mailbox
 * and a store of WhatsApp are backed up by the daemon while they change, the daemon is killed in the middle, and
 * everything is restored as another machine would and compared to the byte. Anything that is not as it should be ends it with 1.
 */
import { performance } from "node:perf_hooks"
import { fileURLToPath } from "node:url"
import { changeMail, chat, firstBackup, losePower, makeSamples, makeVault, receiveMail } from "./start/Backup.ts"
import { lookAtProvider, rehearse, requireUnreadable, restoreElsewhere, tryToBreak } from "./start/Proof.ts"
import { makeScreen, type Screen } from "./start/Screen.ts"
import { DemoError } from "./start/Signs.ts"
import { makeStage, millis, type Stage } from "./start/Stage.ts"

const main = async (screen: Screen): Promise<void> => {
  const began = performance.now()
  const stage = makeStage({ screen, program: pathOf("../bin/sealog.js"), samples: pathOf("../samples") })
  const leave = (code: number) => () => {
    stage.sealog.endAll()
    screen.failure(`it was interrupted; what there was by then is in ${stage.folder}`)
    process.exit(code)
  }
  process.once("SIGINT", leave(130)).once("SIGTERM", leave(143))
  try {
    introduce(stage)
    await tell(stage)
    conclude(stage, performance.now() - began)
  } catch (error) {
    stage.sealog.endAll()
    throw new DemoError(`${wordsOf(error)}\nWhat there was by then is in ${stage.folder}`)
  }
}

/** Of a failure that was foreseen its words, of any other where it happened as well. */
const wordsOf = (error: unknown): string =>
  error instanceof DemoError ? error.message : error instanceof Error ? error.stack ?? error.message : String(error)

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

const introduce = ({ folder, screen }: Stage): void =>
  screen.title("sealog, the whole way round", [
    "Everything below happens now, with the program itself, in this one folder:",
    folder,
    "Commands were run in it as they stand here, with SEALOG_HOME and",
    "SEALOG_PASSWORD_FILE set; the numbers are what was measured."
  ])

const tell = async (stage: Stage): Promise<void> => {
  const stores = makeSamples(stage)
  await makeVault(stage)
  const first = await firstBackup(stage)
  const arrived = await receiveMail(stage, stores)
  const changed = await changeMail(stage, stores)
  lookAtProvider(stage, [...first.made, ...arrived, ...changed])
  await chat(stage, stores)
  const daemon = await losePower(stage, stores, first.daemon)
  const fingerprint = await rehearse(stage)
  requireUnreadable(stage, stores)
  await restoreElsewhere(stage, stores, daemon, fingerprint)
  await tryToBreak(stage)
}

/** Where a disk usually is. */
const DISK = { darwin: "/Volumes/USB/vault", win32: "E:\\vault" } as Partial<Record<NodeJS.Platform, string>>

/** Where a store needs no path. */
const CHATS = process.platform === "darwin" ? " --source whatsapp" : ""

const conclude = ({ folder, measured, screen }: Stage, took: number): void => {
  const disk = DISK[process.platform] ?? "/media/usb/vault"
  screen.title(`In short: everything came back. That took ${millis(took)}.`, [])
  for (const [label, value] of measured) screen.fact(label, value)
  screen.title("The same with your own mail, here at the top of the repository", [
    "npx sealog source detect",
    `npx sealog init --source maildir:~/Maildir${CHATS} --target disk:${disk}`,
    "npx sealog run",
    `npx sealog restore --from disk:${disk} --to ~/restored --format maildir`,
    "",
    "README.md goes on from there. All of the above lies in one folder and nowhere",
    "else. Look around in it, then remove it:",
    "",
    process.platform === "win32" ? `rmdir /s /q "${folder}"` : `rm -r '${folder}'`
  ])
}

const screen = makeScreen(process.stdout)
try {
  await main(screen)
} catch (error) {
  screen.failure(wordsOf(error))
  process.exitCode = 1
}
