/**
 * The daemon's side of the control socket. It greets, answers each question with the handler of its name, stops the
 * work of a client that leaves, and is moved by nothing a client says that is not of the protocol.
 */
import { FileSystem } from "@effect/platform"
import { version } from "@sealog/core"
import { Cause, Effect, Either, Exit, FiberMap, FiberSet, Option, Schema, Stream } from "effect"
import type * as Net from "node:net"
import { failureOf, failureOfCause, type KnownError } from "../Failure.ts"
import { Home, homeError } from "../Home.ts"
import { Platform } from "../Platform.ts"
import { connectTo } from "./Client.ts"
import { type Endpoint, endpointOf, findEndpoint, prepareFolder, sweep, writePointer } from "./Endpoint.ts"
import { controlError, listen, makePeer, type Peer } from "./Peer.ts"
import {
  CONNECTIONS,
  ControlError,
  type Handlers,
  type Method,
  methods,
  PROTOCOL,
  Request,
  REQUEST_BYTES,
  REQUESTS
} from "./Protocol.ts"

/**
 * Listens for this home until the scope closes. To be called by whoever holds the home's journal: that lock, not the
 * socket, decides between two daemons that start at the same moment.
 */
export const serve = Effect.fn("Control.serve")(function*(handlers: Handlers) {
  const fs = yield* FileSystem.FileSystem
  const platform = yield* Platform
  const { controlSocket } = yield* Home
  const endpoint = endpointOf(controlSocket, platform)
  yield* replaceStale()
  if (endpoint.folder !== undefined) yield* prepareFolder(endpoint.folder)
  yield* sweep(endpoint)
  const fork = yield* FiberSet.makeRuntime()
  let connections = 0
  const attend = (socket: Net.Socket) => {
    const busy = connections >= CONNECTIONS
    connections++
    fork(
      converse(socket, endpoint, platform.pid, busy ? undefined : handlers).pipe(
        Effect.scoped,
        Effect.ensuring(Effect.sync(() => connections--))
      )
    )
  }
  yield* listen(endpoint.path, attend)
  if (platform.system !== "windows") {
    yield* Effect.mapError(fs.chmod(endpoint.path, 0o600), (cause) => homeError(cause, "serve", endpoint.path))
  }
  const { pointer } = endpoint
  if (pointer !== undefined) {
    yield* Effect.acquireRelease(writePointer(endpoint), () => Effect.ignore(fs.remove(pointer, { force: true })))
  }
})

/** A socket that somebody answers on is a daemon; any other is what a killed one left. */
const replaceStale = Effect.fn("Control.replaceStale")(function*() {
  const endpoint = yield* findEndpoint()
  if (Option.isNone(endpoint)) return
  const { path } = endpoint.value
  const other = yield* Effect.scoped(connectTo(path)).pipe(
    // Whatever it says, somebody is there.
    Effect.catchIf(
      (error) => error._tag === "RemoteError" || error.reason !== "Denied",
      () => controlError("Locked", "serve", path)
    )
  )
  if (Option.isNone(other)) return yield* sweep(endpoint.value)
  return yield* new ControlError({ reason: "Locked", method: "serve", subject: path, pid: other.value.pid })
})

/** One client, from greeting to goodbye. Without handlers, only the goodbye. */
const converse = Effect.fn("Control.converse")(
  function*(socket: Net.Socket, endpoint: Endpoint, pid: number, handlers: Handlers | undefined) {
    const peer = yield* makePeer(socket, { subject: endpoint.path, lineBytes: REQUEST_BYTES })
    if (handlers === undefined) {
      return yield* refuse(peer, null, controlError("Busy", "connect", endpoint.path))
    }
    const work = yield* FiberMap.make<number>()
    yield* peer.send({ sealog: PROTOCOL, pid, release: version })
    yield* peer.messages.pipe(
      Stream.runForEach((message) => take(peer, work, handlers, message)),
      Effect.catchIf(
        (error) => error.reason === "Malformed" || error.reason === "TooLong",
        (error) => refuse(peer, null, error)
      )
    )
  },
  // A client that has gone needs no answer; its work was stopped with the scope.
  Effect.catchIf((error) => error.reason === "Lost", () => Effect.void),
  Effect.catchAll((error) => Effect.logWarning(`a client's connection ended: ${failureOf(error).message}`))
)

type Work = FiberMap.FiberMap<number>

const take = Effect.fn("Control.take")(function*(peer: Peer, work: Work, handlers: Handlers, message: unknown) {
  const request = Schema.decodeUnknownEither(Request)(message)
  if (Either.isLeft(request)) {
    return yield* controlError("Malformed", "read", "a request", request.left, "a line is not a request")
  }
  const { id } = request.right
  if ("cancel" in request.right) {
    yield* FiberMap.remove(work, id)
    return yield* peer.send({ id, end: true })
  }
  const { method, params } = request.right
  if (yield* FiberMap.has(work, id)) {
    return yield* refuse(peer, id, controlError("BadParams", "call", method, undefined, `${id} is being answered`))
  }
  if ((yield* FiberMap.size(work)) >= REQUESTS) return yield* refuse(peer, id, controlError("Busy", "call", method))
  yield* FiberMap.run(work, id, answer(peer, id, handlers, method, params))
})

const answer = Effect.fn("Control.answer")(
  function*(peer: Peer, id: number, handlers: Handlers, method: string, params: unknown) {
    if (!isMethod(method)) return yield* refuse(peer, id, controlError("UnknownMethod", "call", method))
    const values = ask(handlers, method, params)
    const outcome = yield* Effect.exit(Stream.runForEach(values, (value) => peer.send({ id, value })))
    if (Exit.isSuccess(outcome)) return yield* peer.send({ id, end: true })
    if (Cause.isInterruptedOnly(outcome.cause)) return yield* Effect.interrupt
    yield* peer.send({ id, error: failureOfCause(outcome.cause) })
  },
  // Nobody is left to be told; the conversation ends by itself.
  Effect.catchIf((error) => error.reason === "Lost", () => Effect.void)
)

const isMethod = (method: string): method is Method => Object.hasOwn(methods, method)

/** The handler's values, encoded. Each method is spelt out, so that its Schemas and its handler are checked together. */
const ask = (handlers: Handlers, method: Method, params: unknown): Stream.Stream<unknown, KnownError> => {
  switch (method) {
    case "status":
      return one(method, methods.status, params, handlers.status)
    case "sync":
      return one(method, methods.sync, params, handlers.sync)
    case "drill":
      return one(method, methods.drill, params, handlers.drill)
    case "fingerprint":
      return one(method, methods.fingerprint, params, handlers.fingerprint)
    case "targetAdd":
      return one(method, methods.targetAdd, params, handlers.targetAdd)
    case "targetRemove":
      return one(method, methods.targetRemove, params, handlers.targetRemove)
    case "log":
      return many(method, methods.log, params, handlers.log)
  }
}

interface Shape<P, PI, V, VI> {
  readonly params: Schema.Schema<P, PI>
  readonly value: Schema.Schema<V, VI>
}

const one = <P, PI, V, VI>(
  method: Method,
  shape: Shape<P, PI, V, VI>,
  params: unknown,
  handler: (params: P) => Effect.Effect<V, KnownError>
) => many(method, shape, params, (decoded) => Stream.fromEffect(handler(decoded)))

const many = <P, PI, V, VI>(
  method: Method,
  shape: Shape<P, PI, V, VI>,
  params: unknown,
  handler: (params: P) => Stream.Stream<V, KnownError>
): Stream.Stream<VI, KnownError> => {
  const decoded = Schema.decodeUnknownEither(shape.params)(params)
  if (Either.isLeft(decoded)) {
    return Stream.fail(controlError("BadParams", "call", method, decoded.left, decoded.left.message.split("\n")[0]))
  }
  // A value that its own Schema refuses is a bug of the daemon.
  return handler(decoded.right).pipe(Stream.mapEffect((value) => Effect.orDie(Schema.encode(shape.value)(value))))
}

const refuse = (peer: Peer, id: number | null, error: ControlError) => peer.send({ id, error: failureOf(error) })
