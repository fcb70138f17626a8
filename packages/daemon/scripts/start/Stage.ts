/**
 * What the steps of the demo share: the one folder in which everything lies, two machines and a provider in it, and
 * what was measured on the way.
 */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeProvider, type Provider } from "./Provider.ts"
import type { Screen } from "./Screen.ts"
import { type Machine, makeSealog, type Sealog } from "./Sealog.ts"

export interface Stage {
  readonly folder: string
  readonly screen: Screen
  readonly sealog: Sealog
  readonly provider: Provider
  /** The samples of the repository. */
  readonly samples: string
  /** What is worth saying again at the end. */
  readonly measured: Array<readonly [label: string, value: string]>
}

/** Paths within the folder: short, and the same on every system. */
export const LAPTOP: Machine = { home: "laptop/sealog", passwordFile: "laptop/password" }
export const NEW_LAPTOP: Machine = { home: "new-laptop/sealog", passwordFile: "new-laptop/password" }
export const MAILBOX = "laptop/Mail of Mara 📬"
export const WHATSAPP = "laptop/WhatsApp of Mara 💬"
export const VAULT = "provider/vault"
export const RESTORED = "new-laptop/restored"
export const RESTORED_LINES = "new-laptop/restored-lines"
export const RECOVERY_CODE = "on-paper/recovery-code.txt"

/** Said aloud, since it opens nothing but samples. */
const PASSWORD = "rhubarb never dies, slugs never sleep"

/** The longest path a socket may have on every system, bytes; longer, and the daemon would leave it elsewhere. */
const SOCKET_PATH_BYTES = 100

export const makeStage = (options: {
  readonly screen: Screen
  readonly program: string
  readonly samples: string
}): Stage => {
  const { program, samples, screen } = options
  const folder = fs.mkdtempSync(join(placeForFolders(), "sealog-demo-"))
  for (const machine of [LAPTOP, NEW_LAPTOP]) {
    fs.mkdirSync(join(folder, machine.passwordFile, ".."), { recursive: true, mode: 0o700 })
    fs.writeFileSync(join(folder, machine.passwordFile), `${PASSWORD}\n`, { mode: 0o600 })
  }
  fs.mkdirSync(join(folder, RECOVERY_CODE, ".."), { mode: 0o700 })
  return {
    folder,
    screen,
    samples,
    measured: [],
    sealog: makeSealog(program, folder),
    provider: makeProvider(join(folder, VAULT))
  }
}

const placeForFolders = (): string => {
  const usual = fs.realpathSync(tmpdir())
  const longest = join(usual, "sealog-demo-XXXXXX", LAPTOP.home, "control.sock")
  const isShort = process.platform === "win32" || Buffer.byteLength(longest) <= SOCKET_PATH_BYTES
  return isShort ? usual : fs.realpathSync("/tmp")
}

/** `340 ms`, `1.2 s`. */
export const millis = (value: number): string =>
  value < 999.5 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(1)} s`
