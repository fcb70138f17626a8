/** What the commands for those who write adapters, or try a place out, show a person. */
import type * as Reports from "../Reports.ts"
import type { Present } from "./Human.ts"
import { safe, type Style, table } from "./Style.ts"
import { bytes, counted } from "./Units.ts"

export const check: Present<Reports.TargetCheckReport> = (report, { style }) => {
  const { capabilities: can, failed, latencySeconds: took, left, passed, target } = report
  const headline = failed === 0
    ? style.good(`${safe(target.spec)} keeps the contract.`)
    : style.bad(`${safe(target.spec)} breaks ${counted(failed, "promise")}.`)
  return [
    `${headline} ${counted(passed, "promise")} kept, ${report.notClaimed} not asked for.`,
    "",
    table([
      ["two puts of one name", can.atomicCreate ? "one wins" : "both may win: let one writer use a name"],
      ["ranges", can.rangeReads ? "transferred alone" : "cut out of the whole object"],
      ["listings", can.strongList ? "complete at once" : "may lag"],
      ["a put is", can.durability === "stored" ? "stored for good" : "queued for another program to upload"],
      ["deletes", can.objectLock ? "locked for a time" : can.deletes ? "yes" : "never"],
      ["largest object", bytes(can.maxObjectBytes)]
    ]),
    "",
    table([
      ["put, get, list, delete", [took.put, took.get, took.list, took.delete].map(millis).join(", ")],
      ["up, down", `${bytes(report.uploadBytesPerSecond)}/s, ${bytes(report.downloadBytesPerSecond)}/s`]
    ]),
    ...report.promises.filter(({ outcome }) => outcome === "failed").flatMap((one) => broken(one, style)),
    ...(left.objects === 0 ? [] : [
      "",
      style.warn(
        `${
          counted(left.objects, "object")
        } could not be removed: they lie in the folders that begin with ${left.prefix}.`
      )
    ])
  ].join("\n") + "\n"
}

const broken = (
  { mend, promise, why = "" }: Reports.TargetCheckReport["promises"][number],
  style: Style
): ReadonlyArray<string> => [
  "",
  `${style.bad("broken")}  ${safe(promise)}`,
  `  ${safe(why)}`,
  ...(mend === undefined ? [] : [`  ${style.dim(`to mend it: ${safe(mend)}`)}`])
]

const millis = (seconds: number | null): string =>
  seconds === null ? "–" : `${(seconds * 1_000).toFixed(seconds < 0.01 ? 1 : 0)} ms`

export const created: Present<Reports.TargetNewReport> = ({ files, folder }, { style }) =>
  [
    style.good(`A package is made in ${safe(folder)}.`),
    "",
    table(files.map((file) => [safe(file)])),
    "",
    style.dim("Next, in that folder: npm install && npm test"),
    ""
  ].join("\n")
