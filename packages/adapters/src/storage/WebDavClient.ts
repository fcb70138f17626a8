/**
 * The requests of WebDAV (RFC 4918) that a vault needs, with what every one of them shares: who we are, one redirect
 * within the same server, and a server that asks to wait.
 */
import type { StorageError } from "@sealog/core/backup/Storage"
import { OBJECT_BYTES } from "@sealog/core/format/Limits"
import { Clock, Effect } from "effect"
import { type Authorizer, type Credentials, makeAuthorizer } from "./WebDavAuth.ts"
import { type Exchange, type HttpRequest, type HttpResponse, makeExchange } from "./WebDavHttp.ts"
import { type DavEntry, makeListingReader, PROPFIND_BODY } from "./WebDavListing.ts"
import { answerError, davError, type Deed, exchangeError } from "./WebDavStatus.ts"

export interface WebDavAccess {
  readonly credentials?: Credentials
  /** Certificates to trust instead of the system's, PEM. */
  readonly ca?: string
}

export interface ClientOptions {
  readonly access: Effect.Effect<WebDavAccess, StorageError>
  readonly idleMillis: number
}

export interface DavClient {
  /** Any request; its answer whatever its status, after what is shared. */
  readonly send: (deed: Deed, request: DavRequest) => Effect.Effect<HttpResponse, StorageError>
  /** What a folder holds, itself first under an empty name; of depth 0 itself alone. Undefined: there is no folder. */
  readonly find: (deed: Deed, folder: URL, depth: 0 | 1) => Effect.Effect<Found | undefined, StorageError>
}

export interface Found {
  readonly entries: ReadonlyArray<DavEntry>
  /** The server's clock when it answered, Unix milliseconds. */
  readonly nowMillis: number
}

export type DavRequest = Omit<HttpRequest, "maxBytes">

/** An answer that is no object and no listing is a short text. */
const LISTING_BYTES = 1024 * 1024 * 1024
/** How long a put waits for a server that names a time; one that wants more is asked another day. */
const WAIT_SECONDS = 30
const WAITS = 3

export const makeClient = ({ access, idleMillis }: ClientOptions): DavClient => {
  const entered = once(Effect.map(access, ({ ca, credentials }): Shared => ({
    exchange: makeExchange({ idleMillis, ...(ca === undefined ? {} : { ca }) }),
    authorizer: makeAuthorizer(credentials)
  })))
  const send = Effect.fn("WebDav.send")(function*(deed: Deed, request: DavRequest) {
    return yield* converse(yield* entered, deed, { ...request, maxBytes: OBJECT_BYTES })
  })

  const find = Effect.fn("WebDav.find")(function*(deed: Deed, folder: URL, depth: 0 | 1) {
    const reading: { reader: ReturnType<typeof makeListingReader> | undefined } = { reader: undefined }
    const answer = yield* converse(yield* entered, deed, {
      method: "PROPFIND",
      url: folder,
      headers: { depth: String(depth), "content-type": "application/xml; charset=utf-8" },
      body: PROPFIND_BODY,
      maxBytes: LISTING_BYTES,
      sink: {
        status: 207,
        write: (chunk) => {
          reading.reader ??= makeListingReader(folder)
          reading.reader.write(chunk)
        }
      }
    })
    if (answer.status === 404) return undefined
    if (answer.status !== 207) return yield* answerError(deed, answer)
    const entries = yield* Effect.try({
      try: () => reading.reader?.end() ?? [],
      catch: (cause) => davError(deed, "Unsupported", "BADXML", String(cause))
    })
    if (entries.length === 0) return yield* davError(deed, "Unsupported", "BADXML", "a listing without its folder")
    const date = Date.parse(answer.headers.date ?? "")
    return { entries, nowMillis: Number.isNaN(date) ? yield* Clock.currentTimeMillis : date }
  })

  return { send, find }
}

interface Shared {
  readonly exchange: Exchange
  readonly authorizer: Authorizer
}

/** Keeps what it came to; a failure is not kept, and whoever asks meanwhile waits. */
const once = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  const turn = Effect.unsafeMakeSemaphore(1)
  let kept: { readonly value: A } | undefined
  return Effect.suspend(() =>
    kept !== undefined ?
      Effect.succeed(kept.value) :
      turn.withPermits(1)(Effect.suspend(() =>
        kept !== undefined ? Effect.succeed(kept.value) : Effect.tap(effect, (value) => {
          kept = { value }
        })
      ))
  )
}

const converse = Effect.fn("WebDav.converse")(function*(shared: Shared, deed: Deed, request: HttpRequest) {
  const { authorizer, exchange } = shared
  let url = request.url
  let asked = 0
  let moved = false
  let waits = 0
  for (;;) {
    const sent = authorizer.header(request.method, url)
    const headers = { ...request.headers, ...(sent === undefined ? {} : { authorization: sent }) }
    const answer = yield* Effect.mapError(exchange({ ...request, url, headers }), (e) => exchangeError(deed, e))
    const wait = waits < WAITS ? yield* waitOf(answer) : undefined
    if (answer.status === 401) {
      // Twice at most: once for the way, once for a nonce that has grown old.
      if (asked++ >= 2 || !authorizer.challenged(answer.headers["www-authenticate"] ?? "", sent)) return answer
    } else if (redirects.has(answer.status)) {
      const next = sameServer(url, answer.headers.location)
      if (moved || next === undefined) return yield* davError(deed, "Unsupported", `HTTP ${answer.status}`, "redirect")
      moved = true
      url = next
    } else if (wait === undefined) return answer
    else {
      waits++
      yield* Effect.sleep(`${wait} seconds`)
    }
  }
})

/** 303 is left out: it asks to fetch something else instead. */
const redirects: ReadonlySet<number> = new Set([301, 302, 307, 308])

/** Where a redirect leads, if it stays with the server that was meant: elsewhere our credentials are nobody's business. */
const sameServer = (from: URL, location: string | undefined): URL | undefined => {
  if (location === undefined || !URL.canParse(location, from.href)) return undefined
  const to = new URL(location, from)
  return to.origin === from.origin ? to : undefined
}

/** The seconds a busy server asks for, where they are few enough to wait here. */
const waitOf = (answer: HttpResponse) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const after = answer.headers["retry-after"]
    if (!(answer.status === 429 || answer.status === 503) || after === undefined) return undefined
    const seconds = /^\d+$/.test(after) ? Number(after) : (Date.parse(after) - now) / 1000
    return seconds <= WAIT_SECONDS ? Math.max(0, seconds) : undefined
  })
