/**
 * Stryker's Vitest runner, made ten times cheaper a mutant: it keeps the thread that the tests run in, and with it the
 * dependencies, which take half a second to load. The workspace's own modules are loaded anew for each mutant, so that
 * none sees what another left in a module, and what is computed while a module loads is computed by the mutant.
 *
 * A mutant has so much time of the processor, not so much time of the day: on a busy machine none is given up that only
 * waited for its turn. One that waits for what never comes is given up after ten seconds in which nothing was computed. A loop that goes round four times as often as all tests do without the mutant is given up too.
 */
import { strykerPlugins as plugins, strykerValidationSchema } from "@stryker-mutator/vitest-runner"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, resolve } from "node:path"
import { pathToFileURL } from "node:url"

export { strykerValidationSchema }

/** Time of the processor beside what all tests take without a mutant, and how many times that, milliseconds. */
const GRACE_MILLIS = 3_000
const FACTOR = 2
/** Stryker's own limit is 100 times the rounds of all tests; as all cases are the same, 4 do. */
const HIT_LIMIT_DIVISOR = 25

const [{ factory }] = plugins

const create = (injector) => {
  const runner = factory(injector)
  const methods = {
    dryRun: runner.dryRun.bind(runner),
    init: runner.init.bind(runner),
    mutantRun: runner.mutantRun.bind(runner),
    run: runner.run.bind(runner)
  }
  let limit
  let known
  runner.init = async () => {
    await keepWorkers()
    await methods.init()
  }
  // One process runs the tests without a mutant, and tells the others how long they take.
  runner.dryRun = async (options) => {
    const from = process.cpuUsage()
    const result = await methods.dryRun(options)
    writeFileSync(DRY_RUN, JSON.stringify(millisSince(from)))
    return result
  }
  runner.mutantRun = (options) => {
    limit ??= GRACE_MILLIS + FACTOR * JSON.parse(readFileSync(DRY_RUN, "utf8"))
    const hitLimit = options.hitLimit === undefined ? undefined : Math.ceil(options.hitLimit / HIT_LIMIT_DIVISOR)
    return methods.mutantRun({ ...options, hitLimit })
  }
  runner.run = async (options) => {
    for (const path of ownModules()) runner.ctx.watcher.invalidates.add(path)
    const result = await limited(limit ?? Number.POSITIVE_INFINITY, () => methods.run(options))
    known ??= result.tests?.[0]
    return withBrokenFiles(result, runner.ctx.state.getFiles(), known)
  }
  return runner
}
create.inject = ["$injector"]

/** In the copy of the workspace, which is the working directory of all processes. */
const DRY_RUN = "dry-run-millis.json"

/** The run that is under way. */
let running = new AbortController()

const limited = async (limit, run) => {
  running = new AbortController()
  const from = process.cpuUsage()
  const isStuck = makeStuck()
  const timer = setInterval(() => {
    if (millisSince(from) > limit || isStuck()) running.abort()
  }, TICK_MILLIS)
  try {
    const result = await run()
    return running.signal.aborted ? { status: "timeout" } : result
  } finally {
    clearInterval(timer)
  }
}

/**
 * Whether nothing has been computed for a while, asked at every tick: then nothing ever will be. Ticks come late where
 * the machine is busy with others, and count as often as they come.
 */
const makeStuck = () => {
  let from = process.cpuUsage()
  let ticks = 0
  return () => {
    if (++ticks < STUCK_TICKS) return false
    const stuck = millisSince(from) < STUCK_MILLIS
    from = process.cpuUsage()
    ticks = 0
    return stuck
  }
}
const TICK_MILLIS = 100
const STUCK_TICKS = 100
/** What ticks and timers alone take meanwhile, of the processor, and some more. */
const STUCK_MILLIS = 100

/** Of the processor, by all threads. */
const millisSince = (from) => {
  const { system, user } = process.cpuUsage(from)
  return (system + user) / 1000
}

/** Vitest ends its threads after each run; its pool is told not to, and to end one where the run is given up. */
const keepWorkers = async () => {
  const vitest = dirname(createRequire(import.meta.url).resolve("vitest/package.json"))
  const { Tinypool } = await import(pathToFileURL(join(vitest, "../tinypool/dist/index.js")).href)
  const { run } = Tinypool.prototype
  Tinypool.prototype.recycleWorkers = async () => {}
  Tinypool.prototype.run = function(task, options) {
    return run.call(this, task, { ...options, signal: running.signal })
  }
}

/** A file that does not even load has no test to fail, which would pass for success: its mutant is killed all the same. */
const withBrokenFiles = (run, files, known) => {
  if (run.status !== "complete") return run
  const broken = files.find(({ result, tasks }) => result?.state === "fail" && tasks.length === 0)
  if (broken === undefined) return run
  const failureMessage = broken.result.errors?.[0]?.message ?? "it does not load"
  // A test that Stryker knows has to answer for it.
  return { ...run, tests: [...run.tests, { ...known, status: FAILED, failureMessage }] }
}

/** `TestStatus.Failed` of Stryker's interface. */
const FAILED = 1

/** All of the copy that this process works in. */
const ownModules = () => {
  paths ??= ["packages/core", "packages/adapters", ".ci"].flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .filter((path) => /\.m?ts$/.test(path) && !path.includes("node_modules"))
      .map((path) => resolve(folder, path))
  )
  return paths
}
let paths

export const strykerPlugins = [{ kind: "TestRunner", name: "sealog", factory: create }]
