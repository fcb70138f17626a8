/** Where Node finds a module of this package that is to be run on its own, in a thread or a process. */
import { createRequire } from "node:module"

/**
 * The compiled module, of the package as it is installed, also where this very code runs from a bundle; where it runs
 * from source, of what was built of that.
 */
export const compiledPath = (module: string): string => {
  const path = createRequire(import.meta.url).resolve(`@sealog/adapters/${module}`)
  return path.replace(/([\\/])src([\\/][^\\/]+[\\/][^\\/]+)\.ts$/, "$1dist$2.js")
}
