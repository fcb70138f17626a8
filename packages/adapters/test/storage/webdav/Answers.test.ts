/** What a server may answer, from a server that answers as it is told: each is understood, and none believed too far. */
import { assert, describe, it } from "@effect/vitest"
import { makeWebDav, prepareWebDav } from "@sealog/adapters/storage/WebDav"
import { Effect, Fiber, Redacted, type Scope, Stream, TestClock } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

interface Told {
  readonly url: string
  readonly asked: Array<string>
  readonly headers: Array<IncomingMessage["headers"]>
}

const telling = (handler: Handler): Effect.Effect<Told, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => {
        const asked: Array<string> = []
        const headers: Array<IncomingMessage["headers"]> = []
        const server = createServer((request, response) => {
          const chunks: Array<Buffer> = []
          request.on("data", (chunk: Buffer) => chunks.push(chunk))
          request.on("end", () => {
            asked.push(`${request.method} ${request.url}`)
            headers.push(request.headers)
            handler(request, response, Buffer.concat(chunks))
          })
        })
        return new Promise<Told & { readonly close: () => Promise<void> }>((resolve) => {
          server.listen(0, "127.0.0.1", () => {
            const address = server.address()
            if (typeof address !== "object" || address === null) throw new Error("no port")
            const close = () =>
              new Promise<void>((done) => {
                server.closeAllConnections()
                server.close(() => {
                  done()
                })
              })
            resolve({ url: `http://127.0.0.1:${address.port}/vault/`, asked, headers, close })
          })
        })
      }),
      ({ close }) => Effect.promise(close)
    ),
    ({ asked, headers, url }) => ({ url, asked, headers })
  )

const multistatus = (...responses: ReadonlyArray<string>) =>
  `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">${responses.join("")}</d:multistatus>`
const folderAt = (path: string) =>
  `<d:response><d:href>${path}</d:href><d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype></d:prop>` +
  `<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`
const fileAt = (path: string, size: string) =>
  `<d:response><d:href>${path}</d:href><d:propstat><d:prop><d:resourcetype/><d:getcontentlength>${size}` +
  `</d:getcontentlength></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`

/** Every request but a listing gets this status; a listing shows the folder with something in it. */
const always = (status: number, more: Record<string, string> = {}): Handler => (request, response) => {
  if (request.method === "PROPFIND") {
    response.writeHead(207).end(multistatus(folderAt(request.url ?? ""), folderAt(`${request.url}tmp/`)))
  } else response.writeHead(status, more).end("said by the server")
}

const listingOf = (xml: string) =>
  Effect.gen(function*() {
    const { url } = yield* telling((_request, response) => response.writeHead(207).end(xml))
    const storage = yield* makeWebDav({ url })
    return yield* Effect.either(Stream.runCollect(storage.list("log/")))
  })

describe("what a WebDAV server answers", () => {
  /** Verifies: DAV-4 */
  it.scopedLive("is told apart, and what can pass is tried again", () =>
    Effect.gen(function*() {
      const meanings = {
        401: "Denied",
        403: "Denied",
        405: "Unsupported",
        412: "AlreadyExists",
        413: "Unsupported",
        423: "Throttled, may pass",
        429: "Throttled, may pass",
        502: "Unreachable, may pass",
        503: "Throttled, may pass",
        507: "Full"
      }
      for (const [status, expected] of Object.entries(meanings)) {
        const { url } = yield* telling(always(Number(status)))
        const storage = yield* makeWebDav({ url })
        for (const verb of [storage.put("log/aa", new Uint8Array(3)), storage.delete("log/aa")]) {
          const error = yield* Effect.flip(verb)
          assert.strictEqual(`${error.reason}${error.retryable ? ", may pass" : ""}`, expected, status)
          assert.deepNestedInclude(error, { "cause.code": `HTTP ${status}` })
        }
      }
    }))

  /** Verifies: DAV-4 */
  it.scoped("is waited for when it names a short time, three times at most, and not when it names a long one", () =>
    Effect.gen(function*() {
      let left = 2
      const busy = yield* telling((_request, response) => {
        if (left-- > 0) response.writeHead(503, { "retry-after": "7" }).end()
        else response.writeHead(200).end("here")
      })
      const storage = yield* Effect.zipLeft(makeWebDav({ url: busy.url }), Effect.void).pipe(Effect.fork)
      const opened = yield* passing(storage)
      left = 2
      const got = yield* passing(yield* Effect.fork(opened.get("log/aa")))
      assert.strictEqual(Buffer.from(got).toString(), "here")

      const asked = busy.asked.length
      left = Number.POSITIVE_INFINITY
      const gaveUp = yield* passing(yield* Effect.fork(Effect.flip(opened.get("log/aa"))))
      assert.deepStrictEqual([gaveUp.reason, gaveUp.retryable], ["Throttled", true])
      assert.strictEqual(busy.asked.length - asked, 4)

      const long = yield* telling((_request, response) => response.writeHead(429, { "retry-after": "3600" }).end())
      const far = yield* makeWebDav({ url: long.url })
      assert.strictEqual((yield* Effect.flip(far.get("log/aa"))).reason, "Throttled")
    }))

  /** Verifies: DAV-4, DAV-6 */
  it.scopedLive("is followed once when it moves within the server, and never to another one", () =>
    Effect.gen(function*() {
      const other = yield* telling((_request, response) => response.writeHead(200).end("stolen"))
      const server = yield* telling((request, response) => {
        if (request.url?.startsWith("/vault/log/bb") === true) {
          response.writeHead(302, { location: `${other.url}log/bb` }).end()
        } else if (request.url === "/vault/log/cc") response.writeHead(301, { location: "/vault/log/cc" }).end()
        else if (request.url?.startsWith("/vault/") === true) {
          response.writeHead(301, { location: request.url.replace("/vault/", "/moved/") }).end()
        } else response.writeHead(200).end(request.headers.authorization ?? "nobody")
      })
      const token = Redacted.make("tok")
      const access = Effect.succeed({ credentials: { scheme: "bearer", token } as const })
      const storage = yield* makeWebDav({ url: server.url, access })
      assert.strictEqual(Buffer.from(yield* storage.get("log/aa")).toString(), "Bearer tok")
      for (const name of ["log/bb", "log/cc"]) {
        assert.strictEqual((yield* Effect.flip(storage.get(name))).reason, "Unsupported")
      }
      assert.deepStrictEqual(other.asked, [])
    }))

  /** Verifies: DAV-4 */
  it.scopedLive("to a range may be everything, and is cut to the range; another range is refused", () =>
    Effect.gen(function*() {
      const whole = yield* telling((_request, response) => response.writeHead(200).end("0123456789"))
      const storage = yield* makeWebDav({ url: whole.url })
      assert.strictEqual(Buffer.from(yield* storage.get("log/aa", { offset: 3, length: 4 })).toString(), "3456")
      const wrong = yield* telling((_request, response) =>
        response.writeHead(206, { "content-range": "bytes 0-3/10" }).end("0123")
      )
      const other = yield* makeWebDav({ url: wrong.url })
      assert.strictEqual((yield* Effect.flip(other.get("log/aa", { offset: 3, length: 4 }))).reason, "Corrupt")
    }))

  /** Verifies: DAV-3 */
  it.scopedLive("to a put is not believed: what does not come back is not moved to its name", () =>
    Effect.gen(function*() {
      const server = yield* telling((request, response) => {
        if (request.method === "GET") response.writeHead(200).end("something else")
        else response.writeHead(201).end()
      })
      const storage = yield* makeWebDav({ url: server.url })
      const error = yield* Effect.flip(storage.put("log/aa", new Uint8Array(14)))
      assert.strictEqual(error.reason, "Corrupt")
      assert.deepStrictEqual(server.asked.map((line) => line.split(" ")[0]), ["PROPFIND", "PUT", "GET", "DELETE"])
    }))

  /** Verifies: DAV-10 */
  it.scopedLive("of a folder that is gone or empty is a disk that is away", () =>
    Effect.gen(function*() {
      const gone = yield* telling((_request, response) => response.writeHead(404).end())
      const empty = yield* telling((request, response) => {
        if (request.method !== "PROPFIND" || request.url !== "/vault/") response.writeHead(404).end()
        else response.writeHead(207).end(multistatus(folderAt("/vault/")))
      })
      for (const { asked, url } of [gone, empty]) {
        const storage = yield* makeWebDav({ url })
        const verbs = [Stream.runDrain(storage.list("")), Stream.runDrain(storage.list("log/"))]
        for (const verb of [...verbs, storage.put("log/aa", new Uint8Array(1))]) {
          const error = yield* Effect.flip(verb)
          assert.deepStrictEqual([error.reason, error.retryable], ["Unreachable", true])
        }
        assert.deepStrictEqual(asked.filter((line) => line.startsWith("MKCOL")), [])
      }
    }))
})

describe("a listing", () => {
  /** Verifies: DAV-4 */
  it.scopedLive("is read with any prefix, any quoting, and hrefs of either kind", () =>
    Effect.gen(function*() {
      const found = yield* listingOf(
        `<?xml version="1.0" encoding="utf-8"?><multistatus xmlns="DAV:" xmlns:x="other:">` +
          `<response><href>http://127.0.0.1/vault/log/</href><propstat><prop><resourcetype><collection/></resourcetype>` +
          `</prop><status>HTTP/1.1 200 OK</status></propstat></response>` +
          `<response><href>/vault/log/%61b</href><propstat><prop><x:getcontentlength>9</x:getcontentlength>` +
          `<getcontentlength> 12 </getcontentlength><resourcetype/></prop><status>HTTP/1.1 200 OK</status></propstat>` +
          `<propstat><prop><getcontentlength/></prop><status>HTTP/1.1 404 Not Found</status></propstat></response>` +
          `<response><href>/vault/log/gone</href><status>HTTP/1.1 404 Not Found</status></response></multistatus>`
      )
      assert.deepNestedInclude(found, { _tag: "Right" })
      if (found._tag === "Right") assert.deepStrictEqual([...found.right], [{ name: "log/ab", size: 12 }])
    }))

  /** Verifies: DAV-4 */
  it.scopedLive("that is cut, bent, of another folder or without sizes is an error, never a shorter one", () =>
    Effect.gen(function*() {
      const whole = multistatus(folderAt("/vault/log/"), fileAt("/vault/log/aa", "1"))
      const bad = [
        "",
        "<html>Please log in</html>",
        whole.slice(0, -10),
        multistatus(),
        multistatus(folderAt("/vault/log/"), fileAt("/elsewhere/aa", "1")),
        multistatus(folderAt("/vault/log/"), fileAt("/vault/log/aa", "")),
        `<!DOCTYPE m [<!ENTITY a "aaaa">]>${whole.replace("aa<", "&a;<")}`
      ]
      for (const xml of bad) {
        const found = yield* listingOf(xml)
        assert.deepNestedInclude(found, { _tag: "Left", "left.reason": "Unsupported" }, xml)
      }
    }))
})

describe("a new vault's folder", () => {
  it.scopedLive("is not made where the server says no, and the server's word is kept", () =>
    Effect.gen(function*() {
      const { url } = yield* telling((request, response) =>
        response.writeHead(request.method === "PROPFIND" ? 404 : 403).end("no")
      )
      const error = yield* Effect.flip(prepareWebDav({ url }))
      assert.deepNestedInclude(error, { reason: "Denied", "cause.code": "HTTP 403" })
    }))
})

/** Lets the clock run until a fiber is done: what waits here waits for a server, too. */
const passing = <A, E>(fiber: Fiber.RuntimeFiber<A, E>) =>
  Effect.gen(function*() {
    while ((yield* Fiber.poll(fiber))._tag === "None") {
      yield* TestClock.adjust("1 second")
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
    return yield* Fiber.join(fiber)
  })
