/**
 * One end of a local connection, in lines of JSON: what is sent waits until it is taken, what comes is split with a
 * bound on the length of a line. The one place that calls `node:net`: the sockets of @effect/platform neither tell
 * that a path is taken, nor bound a line, nor hold back a stream whose reader is slow.
 */
import { Effect, Either, type Option, Schema, type Scope, Stream } from "effect"
import * as Net from "node:net"
import { codeOf } from "../Home.ts"
import { ControlError, type ControlReason } from "./Protocol.ts"

export interface Peer {
  /** Sends one message; returns when the other side's buffer has it. */
  readonly send: (message: unknown) => Effect.Effect<void, ControlError>
  /** Every line that comes, parsed. Ends when the other side does. */
  readonly messages: Stream.Stream<unknown, ControlError>
}

export interface PeerOptions {
  readonly subject: string
  /** The longest line to accept, bytes. */
  readonly lineBytes: number
}

/** Takes charge of a socket: it is gone when the scope closes. */
export const makePeer = (socket: Net.Socket, options: PeerOptions): Effect.Effect<Peer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      // Reading and writing report their own errors; this one only keeps Node from ending the process.
      socket.on("error", () => {})
      return socket
    }),
    () => close(socket)
  ).pipe(Effect.as({
    send: (message) => send(socket, message, options.subject),
    messages: Stream.fromAsyncIterable(bytesOf(socket), (cause) => controlError("Lost", "read", options.subject, cause))
      .pipe(split(options))
  }))

/** Connects; a socket that nobody listens on is none. */
export const connect = (path: string): Effect.Effect<Option.Option<Net.Socket>, ControlError> =>
  Effect.async<Option.Option<Net.Socket>, ControlError>((resume) => {
    const socket = Net.connect(path)
    const onError = (cause: Error) => {
      const code = codeOf(cause)
      const nobody = code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTSOCK" || code === "ENOTDIR"
      const reason = code === "EACCES" || code === "EPERM" ? "Denied" : "Io"
      resume(nobody ? Effect.succeedNone : Effect.fail(controlError(reason, "connect", path, cause)))
    }
    socket.once("error", onError)
    socket.once("connect", () => {
      socket.off("error", onError)
      resume(Effect.succeedSome(socket))
    })
    return Effect.sync(() => socket.destroy())
  })

/** Listens until the scope closes; `accept` is called with each new socket. */
export const listen = (
  path: string,
  accept: (socket: Net.Socket) => void
): Effect.Effect<void, ControlError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Net.Server, ControlError>((resume) => {
      const server = Net.createServer(accept)
      server.once("error", (cause) => {
        const code = codeOf(cause)
        const reason = code === "EADDRINUSE" ? "Locked" : code === "EACCES" || code === "EPERM" ? "Denied" : "Io"
        resume(Effect.fail(controlError(reason, "listen", path, cause)))
      })
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    // Not waited for: it would wait for every client to leave, and they are sent away next.
    (server) => Effect.sync(() => void server.close())
  ).pipe(Effect.asVoid)

const FLUSH_MILLIS = 200

/** Lets what was sent go out, but waits for nobody who does not read. */
const close = (socket: Net.Socket): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (socket.destroyed || socket.writableLength === 0) return resume(Effect.void)
    socket.once("close", () => resume(Effect.void))
    socket.end(() => resume(Effect.void))
  }).pipe(
    Effect.timeoutOption(FLUSH_MILLIS),
    Effect.zipRight(Effect.sync(() => socket.destroySoon()))
  )

const send = (socket: Net.Socket, message: unknown, subject: string): Effect.Effect<void, ControlError> =>
  Effect.async<void, ControlError>((resume) => {
    socket.write(`${JSON.stringify(message)}\n`, (cause) => {
      const failed = cause !== undefined && cause !== null
      resume(failed ? Effect.fail(controlError("Lost", "send", subject, cause)) : Effect.void)
    })
  })

/** Whoever stops reading may still have something to say: the reason. */
const bytesOf = (socket: Net.Socket): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => socket.iterator({ destroyOnReturn: false })
})

const NEWLINE = 0x0a

const split = (options: PeerOptions) => (bytes: Stream.Stream<Uint8Array, ControlError>) =>
  Stream.suspend(() => {
    let pending: Array<Uint8Array> = []
    let pendingBytes = 0
    const tooLong = () =>
      controlError("TooLong", "read", options.subject, undefined, `more than ${options.lineBytes} bytes`)
    const take = (chunk: Uint8Array): Either.Either<ReadonlyArray<unknown>, ControlError> => {
      const messages: Array<unknown> = []
      let start = 0
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        const line = Buffer.concat([...pending, chunk.subarray(start, end)])
        if (line.length > options.lineBytes) return Either.left(tooLong())
        pending = []
        pendingBytes = 0
        start = end + 1
        const message = parse(line, options.subject)
        if (Either.isLeft(message)) return Either.left(message.left)
        messages.push(message.right)
      }
      const rest = chunk.subarray(start)
      pendingBytes += rest.length
      if (pendingBytes > options.lineBytes) return Either.left(tooLong())
      if (rest.length > 0) pending.push(rest)
      return Either.right(messages)
    }
    return bytes.pipe(Stream.mapEffect(take), Stream.mapConcat((messages) => messages))
  })

const decodeJson = Schema.decodeUnknownEither(Schema.parseJson())

const parse = (line: Uint8Array, subject: string): Either.Either<unknown, ControlError> =>
  decodeJson(Buffer.from(line).toString("utf8")).pipe(
    Either.mapLeft(() => controlError("Malformed", "read", subject, undefined, "a line is not JSON"))
  )

export const controlError = (
  reason: ControlReason,
  method: string,
  subject: string,
  cause?: unknown,
  detail?: string
) =>
  new ControlError({
    reason,
    method,
    subject,
    ...(cause === undefined ? {} : { cause }),
    ...(detail === undefined ? {} : { detail })
  })
