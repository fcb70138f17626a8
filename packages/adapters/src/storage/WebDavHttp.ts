/**
 * One HTTP request and its answer, whole. Node's own client and not `fetch` or `@effect/platform`'s: an upload that
 * stalls ends by the idle time here, in either direction, a certificate authority of one's own needs no second
 * library, nothing follows a redirect or sends a password unasked, and an interruption closes the socket at once.
 */
import { Data, Effect } from "effect"
import type { Buffer } from "node:buffer"
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request as requestPlain } from "node:http"
import { Agent as SecureAgent, request as requestSecure } from "node:https"

export interface HttpRequest {
  readonly method: string
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Longer answers are refused. */
  readonly maxBytes: number
  /** Takes the answer's body as it comes when its status is this one; the answer then has none. */
  readonly sink?: { readonly status: number; readonly write: (chunk: Uint8Array) => void }
}

export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** No answer, or not a whole one. */
export class HttpError extends Data.TaggedError("HttpError")<{
  /** The system's word, as `ECONNREFUSED`, or `TOOLONG`, or what the sink threw. */
  readonly code: string
  readonly cause: unknown
}> {}

export interface HttpOptions {
  /** Certificates to trust instead of the system's, PEM. */
  readonly ca?: string
  /** How long nothing may happen on a connection, milliseconds. */
  readonly idleMillis: number
}

export type Exchange = (request: HttpRequest) => Effect.Effect<HttpResponse, HttpError>

/** Connections to one server: enough to hide its latency, few enough for a small one. */
const CONNECTIONS = 8

export const makeExchange = (options: HttpOptions): Exchange => {
  const { ca, idleMillis } = options
  const pool = { keepAlive: true, maxSockets: CONNECTIONS, maxFreeSockets: CONNECTIONS, timeout: idleMillis }
  // Idle sockets of a pool keep no process alive, so there is nothing to close.
  const plain = new Agent(pool)
  const secure = new SecureAgent({ ...pool, ...(ca === undefined ? {} : { ca }) })

  return (request) =>
    Effect.async<HttpResponse, HttpError>((resume) => {
      const { body, headers, method, url } = request
      const settings = {
        method,
        headers: { ...headers, "accept-encoding": "identity", "content-length": String(body?.length ?? 0) },
        timeout: idleMillis
      }
      const outgoing = url.protocol === "https:"
        ? requestSecure(url, { ...settings, agent: secure })
        : requestPlain(url, { ...settings, agent: plain })
      const fail = (cause: unknown) => {
        outgoing.destroy()
        resume(Effect.fail(new HttpError({ code: codeOf(cause), cause })))
      }
      outgoing.on("timeout", () => fail(coded("ETIMEDOUT", `nothing came for ${idleMillis} ms`)))
      outgoing.on("error", fail)
      outgoing.on("response", (incoming) => {
        receive(request, incoming, fail, (answer) => {
          // Answered before all was sent: what is left must not go out on a connection that others use.
          if (!outgoing.writableFinished) outgoing.destroy()
          resume(Effect.succeed(answer))
        })
      })
      outgoing.end(body)
      return Effect.sync(() => outgoing.destroy())
    })
}

const receive = (
  { maxBytes, sink }: HttpRequest,
  incoming: IncomingMessage,
  fail: (cause: unknown) => void,
  done: (answer: HttpResponse) => void
): void => {
  const status = incoming.statusCode ?? 0
  const chunks: Array<Buffer> = []
  let length = 0
  let kept = 0
  incoming.on("data", (chunk: Buffer) => {
    length += chunk.length
    if (length > maxBytes) return fail(coded("TOOLONG", `more than ${maxBytes} bytes`))
    if (sink?.status !== status) {
      kept += chunk.length
      return void chunks.push(chunk)
    }
    try {
      sink.write(chunk)
    } catch (cause) {
      fail(cause)
    }
  })
  incoming.on("error", fail)
  incoming.on("end", () => {
    if (!incoming.complete) return fail(coded("ECONNRESET", "the answer ended too early"))
    done({ status, headers: incoming.headers, body: joined(chunks, kept) })
  })
}

const joined = (chunks: ReadonlyArray<Buffer>, length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : "EPROTO"

export const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })
