/**
 * Machines that live, and of whose disks a record is kept: from before `init`, one life after another, each but the
 * first from what a power cut left, so that what a start does after a cut is cut as well.
 */
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeShown, noteStatus, openRing, type Shown } from "../../faults/Checker.ts"
import { differences, fillMaildir, initWords, makeMachine, PASSWORD } from "../../support/Machine.ts"
import type { Places } from "../../support/Pipeline.ts"
import { type Ended, run } from "../../support/Process.ts"
import { callsEnvironment } from "../calls/Calls.ts"
import { nothingLost } from "./Loss.ts"
import { makePageCache, type PageCache } from "./PageCache.ts"
import { type Call, readRecord } from "./Recording.ts"

/** Mails before the first life. */
const MAILS = 10
/** Steps of one life: mails that come or change, a pass, a shipment. */
const STEPS = 36

/** A machine between two lives, and what had been acknowledged by then. */
export interface Standing extends Places {
  readonly ring: KeyRingShape
  readonly shown: Shown
  /** All folders of the machine lie in it. */
  readonly folder: string
  /** What `init` made and nothing changes. */
  readonly made: ReadonlyArray<Made>
  /** Its disk, to be cut, and the same once more, to be held against what is there in the end. */
  readonly disk: PageCache
  readonly twin: PageCache
}

interface Made {
  readonly root: "home" | "vault"
  readonly path: string
  readonly bytes: Buffer
}

/** The library that keeps the record, and those that see a process's calls before it. */
interface Recording {
  readonly library: string
  readonly before?: ReadonlyArray<string>
  /** The file that says which calls fail. */
  readonly faults?: string
}

/** A machine that `init` has just made: what it did not sync may be lost with what comes after. */
export const firstStanding = Effect.fn("Lives.first")(function*(options: Recording & { readonly seed: number }) {
  const machine = yield* makeMachine
  yield* fillMaildir(machine, { count: MAILS, seed: options.seed })
  const { folder, home, mail, vault } = machine
  const [disk, twin] = [makePageCache(folder), makePageCache(folder)]
  const { calls, ended } = yield* recorded(
    machine,
    options,
    (environment) => machine.sealog(initWords(machine), { environment })
  )
  if (ended.code !== 0) throw new Error(`init ended with ${ended.code}: ${ended.err}`)
  for (const call of calls) for (const each of [disk, twin]) each.follow(call)
  const made = [...madeIn("home", home), ...madeIn("vault", vault)]
  const ring = yield* openRing(machine)
  return { folder, home, mail, vault, ring, shown: makeShown(), made, disk, twin } satisfies Standing
})

/** A machine to live on from what a cut left. */
export const nextStanding = (standing: Standing, left: Places, shown: Shown): Standing => {
  const kept = { home: `${standing.home} after`, vault: `${standing.vault} after` }
  fs.cpSync(left.home, kept.home, { recursive: true })
  fs.cpSync(left.vault, kept.vault, { recursive: true })
  const [disk, twin] = [makePageCache(standing.folder), makePageCache(standing.folder)]
  return { ...standing, ...kept, disk, twin, shown: copyShown(shown) }
}

/** One life, and the record of it. What lies in the folders is changed by it. */
export const live = Effect.fn("Lives.live")(function*(
  standing: Standing,
  options: Recording & { readonly script: string; readonly seed: number }
) {
  const { folder, home, mail, twin, vault } = standing
  const { faults } = options
  const words = [
    PASSWORD,
    home,
    mail,
    vault,
    String(options.seed),
    String(STEPS),
    ...(faults === undefined ? [] : [faults])
  ]
  const { calls, ended } = yield* recorded(
    standing,
    options,
    (environment) => run(words, { script: options.script, environment })
  )
  if (ended.signal !== "SIGKILL" || ended.err !== "") {
    throw new Error(`the life to be recorded ended with ${ended.signal ?? ended.code}: ${ended.err}`)
  }
  for (const call of calls) twin.follow(call)
  for (const path of [home, vault]) {
    const copy = `${folder} copy`
    twin.leave([[path, copy]], nothingLost)
    const differing = differences(copy, path)
    fs.rmSync(copy, { recursive: true })
    if (differing !== "") throw new Error(`the record of calls is not what happened:\n${differing}`)
  }
  return calls
})

/** What a process does to a machine's folder, but for the mails, and how it ended. */
const recorded = Effect.fn("Lives.recorded")(function*(
  { folder, mail }: Pick<Standing, "folder" | "mail">,
  { before = [], faults, library }: Recording,
  process: (environment: Record<string, string>) => Effect.Effect<Ended>
) {
  const record = `${folder} record`
  const kept = { library, before, folders: [folder], except: [mail], record }
  const ended = yield* process(callsEnvironment(faults === undefined ? kept : { ...kept, faults }))
  const read: ReadonlyArray<Call> = readRecord(fs.readFileSync(record))
  fs.rmSync(record)
  return { calls: read, ended }
})

/** Files that are the same for ever. */
const madeIn = (root: Made["root"], folder: string): ReadonlyArray<Made> =>
  fs.readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /^(config\.toml|sealog\.json|slots\/.+)$/.test(path))
    .map((path) => ({ root, path, bytes: fs.readFileSync(join(folder, path)) }))

/** What a cut lost of what `init` had made. */
export const unmade = ({ made }: Standing, left: Places): ReadonlyArray<string> =>
  made.flatMap(({ bytes, path, root }) => {
    const file = join(left[root], path)
    const isSame = fs.existsSync(file) && Buffer.compare(fs.readFileSync(file), bytes) === 0
    return isSame ? [] : [`${path} of the ${root} is lost, which init had made`]
  })

/** Notes what a process said, a line or several. */
export const noteSaid = (shown: Shown, text: string): void => {
  for (const line of text.trimEnd().split("\n")) noteStatus(shown, JSON.parse(line))
}

/** The same, to go on from by itself. */
export const copyShown = (shown: Shown): Shown => ({
  ...shown,
  heads: new Map(shown.heads),
  lines: new Map(shown.lines),
  contradictions: [...shown.contradictions]
})
