/**
 * Stryker's Vitest runner, made five times cheaper a mutant: it keeps the thread that the tests run in, and with it the
 * dependencies, which take half a second to load. The workspace's own modules are loaded anew for each mutant, so that
 * none sees what another left in a module, and what is computed while a module loads is computed by the mutant.
 */
import { strykerPlugins as plugins, strykerValidationSchema } from "@stryker-mutator/vitest-runner"
import { readdirSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, resolve } from "node:path"
import { pathToFileURL } from "node:url"

export { strykerValidationSchema }

const [{ factory }] = plugins

const create = (injector) => {
  const runner = factory(injector)
  const run = runner.run.bind(runner)
  const init = runner.init.bind(runner)
  runner.init = async () => {
    await keepWorkers()
    await init()
  }
  const mutantRun = runner.mutantRun.bind(runner)
  runner.mutantRun = (options) => mutantRun({ ...options, hitLimit: Math.ceil(options.hitLimit / HIT_LIMIT_DIVISOR) })
  runner.run = async (options) => {
    for (const path of ownModules()) runner.ctx.watcher.invalidates.add(path)
    return withBrokenFiles(await run(options), runner.ctx.state.getFiles())
  }
  return runner
}
create.inject = ["$injector"]

/** A file that does not even load has no test to fail, which would pass for success: its mutant is killed all the same. */
const withBrokenFiles = (run, files) => {
  if (run.status !== "complete") return run
  known ??= run.tests[0]
  const broken = files.find(({ result, tasks }) => result?.state === "fail" && tasks.length === 0)
  if (broken === undefined) return run
  const failureMessage = broken.result.errors?.[0]?.message ?? "it does not load"
  return { ...run, tests: [...run.tests, { ...known, status: FAILED, failureMessage }] }
}
/** A test of the first run, which Stryker knows, to answer for a file. */
let known
/** `TestStatus.Failed` of Stryker's interface. */
const FAILED = 1

/** Stryker gives up on a loop after 100 times the rounds it has without the mutant; as all cases are the same, 4 do. */
const HIT_LIMIT_DIVISOR = 25

/** Vitest ends its threads after each run; its pool is told not to. */
const keepWorkers = async () => {
  const vitest = dirname(createRequire(import.meta.url).resolve("vitest/package.json"))
  const { Tinypool } = await import(pathToFileURL(join(vitest, "../tinypool/dist/index.js")).href)
  Tinypool.prototype.recycleWorkers = async () => {}
}

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
