/** Loaded into a profiled process before the program itself: threads are profiled as the main one is. */
import * as modules from "node:module"
import * as threads from "node:worker_threads"

const profiling = process.execArgv.filter((flag) => flag.startsWith("--cpu-prof"))

class ProfiledWorker extends threads.Worker {
  constructor(filename: string | URL, options: threads.WorkerOptions = {}) {
    super(filename, { ...options, execArgv: [...(options.execArgv ?? []), ...profiling] })
  }
}

const builtin = modules.createRequire(import.meta.url)("node:worker_threads") as { Worker: typeof threads.Worker }
builtin.Worker = ProfiledWorker
modules.syncBuiltinESMExports()
