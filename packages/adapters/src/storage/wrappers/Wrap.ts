/**
 * The wrappers that a target is given, in the one order in which they are right: each request has its own deadline and is
 * counted; who waits for a turn or for bandwidth holds nothing up; a retry begins all of that anew; a put is read back
 * by the same ways.
 */
import type { StorageShape } from "@sealog/core/backup/Storage"
import { Effect } from "effect"
import { appendOnly } from "./AppendOnly.ts"
import { limitBandwidth } from "./Bandwidth.ts"
import { limitConcurrency } from "./Concurrency.ts"
import { metered } from "./Metered.ts"
import { underPrefix } from "./Prefix.ts"
import { retrying } from "./Retry.ts"
import { withTimeout } from "./Timeout.ts"
import { verified } from "./Verified.ts"

export { metricsOf } from "./Metered.ts"

/** What is not named is not wrapped. */
export interface Wrapping {
  readonly prefix?: string
  readonly timeoutSeconds?: number
  readonly metrics?: boolean
  readonly concurrency?: number
  readonly uploadBytesPerSecond?: number
  readonly downloadBytesPerSecond?: number
  readonly retries?: number
  readonly verifyAfterWrite?: boolean
  readonly appendOnly?: boolean
}

export const wrap = Effect.fn("Wrap.wrap")(function*(storage: StorageShape, target: string, options: Wrapping) {
  const { concurrency, downloadBytesPerSecond, prefix, retries, timeoutSeconds, uploadBytesPerSecond } = options
  let wrapped: StorageShape = prefix === undefined ? storage : underPrefix(storage, prefix)
  if (timeoutSeconds !== undefined) wrapped = withTimeout(wrapped, `${timeoutSeconds} seconds`)
  if (options.metrics === true) wrapped = metered(wrapped, target)
  if (concurrency !== undefined) wrapped = yield* limitConcurrency(wrapped, concurrency)
  if (uploadBytesPerSecond !== undefined || downloadBytesPerSecond !== undefined) {
    wrapped = yield* limitBandwidth(wrapped, {
      ...(uploadBytesPerSecond === undefined ? {} : { uploadBytesPerSecond }),
      ...(downloadBytesPerSecond === undefined ? {} : { downloadBytesPerSecond })
    })
  }
  if (retries !== undefined) wrapped = retrying(wrapped, { times: retries })
  if (options.verifyAfterWrite === true) wrapped = verified(wrapped)
  return options.appendOnly === true ? appendOnly(wrapped) : wrapped
})
