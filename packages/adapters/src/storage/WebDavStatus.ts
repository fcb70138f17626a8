/**
 * What a server's answer means for an object: one table for statuses and one for what comes instead of an answer, each
 * with whether it can pass by itself.
 */
import { StorageError, type StorageReason } from "@sealog/core/backup/Storage"
import { coded, type HttpError, type HttpResponse } from "./WebDavHttp.ts"

/** What was being done, and to which object of the vault at which URL. */
export interface Deed {
  readonly root: string
  readonly method: string
  readonly name: string
}

export const answerError = (deed: Deed, { body, status }: HttpResponse): StorageError => {
  const [reason, retryable] = statuses[status] ?? (status >= 500 ? passing : unforeseen)
  const said = Buffer.from(body.subarray(0, SAID_BYTES)).toString("latin1")
  return make(deed, reason, retryable, coded(`HTTP ${status}`, said))
}

/** Of a server's own explanation, kept as the cause. */
const SAID_BYTES = 500

export const exchangeError = (deed: Deed, error: HttpError): StorageError => {
  const [reason, retryable] = codes[error.code] ?? passing
  return make(deed, reason, retryable, error)
}

export const davError = (deed: Deed, reason: StorageReason, code: string, said: string, retryable = false) =>
  make(deed, reason, retryable, coded(code, said))

const make = (deed: Deed, reason: StorageReason, retryable: boolean, cause: unknown) => {
  // Where the place is at fault, it is the place that its owner has to know.
  const subject = deed.name === "" || ofPlace.has(reason) ? deed.root : deed.name
  return new StorageError({ reason, method: deed.method, subject, retryable, cause })
}

const ofPlace: ReadonlySet<StorageReason> = new Set(["Denied", "Full", "Unreachable", "Throttled"])

type Meaning = readonly [StorageReason, boolean]
const passing: Meaning = ["Unreachable", true]
const unforeseen: Meaning = ["Unsupported", false]

const statuses: Record<number, Meaning> = {
  401: ["Denied", false],
  403: ["Denied", false],
  404: ["NotFound", false],
  405: ["Unsupported", false],
  407: ["Denied", false],
  408: ["Unreachable", true],
  409: ["Unreachable", true],
  412: ["AlreadyExists", false],
  413: ["Unsupported", false],
  423: ["Throttled", true],
  425: ["Throttled", true],
  429: ["Throttled", true],
  501: ["Unsupported", false],
  503: ["Throttled", true],
  507: ["Full", false]
}

const codes: Record<string, Meaning> = {
  // The name of a host may be misspelt, or the network be away: only its owner can tell.
  ENOTFOUND: ["Unreachable", true],
  TOOLONG: ["Corrupt", false],
  BADXML: ["Unsupported", false],
  OTHERFOLDER: ["Unsupported", false],
  EPROTO: ["Unreachable", false],
  // Another server than the one meant, or one in the middle: asking again changes nothing.
  DEPTH_ZERO_SELF_SIGNED_CERT: ["Denied", false],
  SELF_SIGNED_CERT_IN_CHAIN: ["Denied", false],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["Denied", false],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["Denied", false],
  CERT_HAS_EXPIRED: ["Denied", false],
  ERR_TLS_CERT_ALTNAME_INVALID: ["Denied", false]
}
