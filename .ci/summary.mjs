/**
 * Closes a test run with its totals on a line of their own, out of the runner's JSON report:
 * `123 passed, 0 failed, 2 skipped`.
 */
import { existsSync, readFileSync } from "node:fs"

const [path] = process.argv.slice(2)

if (!existsSync(path)) {
  console.error("no tests were run: what went wrong before them is above")
  process.exit(1)
}

const report = JSON.parse(readFileSync(path, "utf8"))
// A file that does not load has no tests of its own to fail; it counts as one.
const broken = report.testResults.filter(({ assertionResults, status }) =>
  status === "failed" && !assertionResults.some((test) => test.status === "failed")
)
const failed = report.numFailedTests + broken.length
const skipped = report.numPendingTests + report.numTodoTests

console.log(`${report.numPassedTests} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed > 0 || !report.success ? 1 : 0
