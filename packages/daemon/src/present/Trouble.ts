/**
 * What is said on stderr when something fails: two lines for a person, one JSON line for a script. It needs nothing
 * loaded, since a mistyped flag ends here.
 */
import type { Failure } from "../Failure.ts"
import { makeStyle, safe } from "./Style.ts"

export interface TroubleOptions {
  readonly json: boolean
  readonly colours: boolean
}

export const trouble = (failure: Failure, options: TroubleOptions): string => {
  const { exit, hint, message, reason, subject } = failure
  if (options.json) {
    const line = {
      schema: "sealog.error/1",
      exit,
      reason,
      message,
      hint,
      ...(subject === undefined ? {} : { subject })
    }
    return `${JSON.stringify(line)}\n`
  }
  const style = makeStyle(options.colours)
  return `${style.bad("sealog:")} ${safe(message)}\n        ${style.dim(safe(hint))}\n`
}
