/**
 * What V8's sampling profiler saw of a run of the bundled program, by stage: each sample goes to the nearest caller
 * that is our own code, by the file of the source it was bundled from, and that file to a stage.
 */
import * as fs from "node:fs"
import { SourceMap } from "node:module"
import { basename, dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

interface ProfileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    readonly lineNumber: number
    readonly columnNumber: number
  }
  readonly children?: ReadonlyArray<number>
}

interface CpuProfile {
  readonly nodes: ReadonlyArray<ProfileNode>
  readonly samples: ReadonlyArray<number>
  /** Microseconds. */
  readonly timeDeltas: ReadonlyArray<number>
}

/** The first that fits counts. */
const STAGES: ReadonlyArray<readonly [pattern: RegExp, stage: string]> = [
  [/daemon\/test\/bench\//, "making the events"],
  [/adapters\/\w+\/testing\//, "making the events"],
  [/adapters\/\w+\/sources\//, "reading the store"],
  [/adapters\/\w+\/threads\//, "runs and compression"],
  [/adapters\/\w+\/journal\//, "journal"],
  [/adapters\/\w+\/storage\//, "target"],
  [/core\/\w+\/format\/(Compression|Compressor|Run|Block|Indices)\b/, "runs and compression"],
  [/core\/\w+\/format\/(Sealed|SealedStream|Segment\w*|Padme|ObjectName|Blob)\.[jt]s/, "segments and sealing"],
  [/core\/\w+\/(format|message)\//, "events and their encoding"],
  [/core\/\w+\/log\//, "Merkle log"],
  [/core\/\w+\/keys\//, "keys"],
  [/core\/\w+\/backup\/(Capture|Entries|ContentSharing|SourceTable|Blobs|Source|Recorder)\.[jt]s/, "capture"],
  [/core\/\w+\/backup\//, "cutting and shipping"],
  [/core\/\w+\//, "the rest of the core"],
  [/daemon\/\w+\//, "the program around it"]
]

/** Threads are started from what the compiler made, everything else from the bundle. */
const OURS = /packages\/(core|adapters|daemon)\/(src|test\/bench|dist(?!\/(bundle|scripts)\/))\//
const IDLE = "(idle)"
const COLLECTOR = "(garbage collector)"
const OTHER = "Effect and Node"

export interface Shares {
  /** From the first sample to the last. */
  readonly seconds: number
  /** Of these, by stage; what waited for others is `idle`. */
  readonly stages: ReadonlyMap<string, number>
}

/** One thread's profile. */
export const sharesOf = (file: string): Shares => {
  const profile = JSON.parse(fs.readFileSync(file, "utf8")) as CpuProfile
  const stageOf = stagesOf(profile)
  const stages = new Map<string, number>()
  let seconds = 0
  profile.samples.forEach((id, at) => {
    const taken = (profile.timeDeltas[at] ?? 0) / 1e6
    const stage = stageOf.get(id) ?? OTHER
    seconds += taken
    stages.set(stage, (stages.get(stage) ?? 0) + taken)
  })
  return { seconds, stages }
}

/** Profiles of a folder: the main thread's, and those of workers. */
export const profilesIn = (folder: string): { readonly main: string; readonly workers: ReadonlyArray<string> } => {
  const files = fs.readdirSync(folder).filter((name) => name.endsWith(".cpuprofile"))
  // CPU.day.time.process.thread.number.cpuprofile; the main thread is 0.
  const isMain = (name: string): boolean => basename(name).split(".")[4] === "0"
  return {
    main: join(folder, files.find(isMain)!),
    workers: files.filter((name) => !isMain(name)).map((name) => join(folder, name))
  }
}

/** The stage of each node of the call tree; a caller's where it has none of its own. */
const stagesOf = ({ nodes }: CpuProfile): ReadonlyMap<number, string> => {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const stages = new Map<number, string>()
  const visit = (root: ProfileNode): void => {
    const pending: Array<readonly [ProfileNode, string]> = [[root, OTHER]]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [node, inherited] = next
      const stage = ownStage(node) ?? inherited
      stages.set(node.id, stage)
      for (const child of node.children ?? []) pending.push([byId.get(child)!, stage])
    }
  }
  if (nodes[0] !== undefined) visit(nodes[0])
  return stages
}

const ownStage = ({ callFrame }: ProfileNode): string | undefined => {
  const { columnNumber, functionName, lineNumber, url } = callFrame
  if (functionName === IDLE) return "idle"
  if (functionName === COLLECTOR) return "garbage collection"
  if (!url.startsWith("file:")) return undefined
  const source = sourceOf(fileURLToPath(url), lineNumber, columnNumber)
  return source === undefined ? undefined : STAGES.find(([pattern]) => pattern.test(source))?.[1]
}

const maps = new Map<string, SourceMap | undefined>()

/** The file of our own that this place was bundled from. */
const sourceOf = (file: string, line: number, column: number): string | undefined => {
  if (!maps.has(file)) {
    const map = `${file}.map`
    maps.set(file, fs.existsSync(map) ? new SourceMap(JSON.parse(fs.readFileSync(map, "utf8"))) : undefined)
  }
  const entry = maps.get(file)?.findEntry(line, column)
  const source = entry !== undefined && "originalSource" in entry
    ? resolve(dirname(file), entry.originalSource)
    : file
  return OURS.test(source.replaceAll("\\", "/")) ? source.replaceAll("\\", "/") : undefined
}
