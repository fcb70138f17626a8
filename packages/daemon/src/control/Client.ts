/**
 * How a command asks the daemon of its home. `connect` finds none where none runs; then the command does the work
 * itself, and needs the password for it.
 */
import { Chunk, Effect, Option, Schema, Stream } from "effect"
import { findEndpoint } from "./Endpoint.ts"
import { connect as connectSocket, controlError, makePeer } from "./Peer.ts"
import {
  Answer,
  ANSWER_BYTES,
  type ControlError,
  Greeting,
  type Method,
  methods,
  type Params,
  PROTOCOL,
  RemoteError,
  type Value
} from "./Protocol.ts"

export interface Client {
  readonly pid: number
  readonly release: string
  /** Asks for one value. */
  readonly call: <M extends Method>(method: M, params: Params<M>) => Effect.Effect<Value<M>, ControlError | RemoteError>
  /** Asks for as many as there are. Ending it early ends the connection. */
  readonly stream: <M extends Method>(
    method: M,
    params: Params<M>
  ) => Stream.Stream<Value<M>, ControlError | RemoteError>
}

/** How long a daemon may take to greet, milliseconds: one that is stopped or wedged holds nobody up. */
const GREETING_MILLIS = 2_000

/** The daemon of this home, for one question; none where none runs. */
export const connect = Effect.fn("Client.connect")(function*() {
  const endpoint = yield* findEndpoint()
  return yield* Option.match(endpoint, { onNone: () => Effect.succeedNone, onSome: ({ path }) => connectTo(path) })
})

/** The same, by its path. */
export const connectTo = Effect.fn("Client.connectTo")(function*(path: string) {
  const socket = yield* connectSocket(path)
  if (Option.isNone(socket)) return Option.none<Client>()
  const peer = yield* makePeer(socket.value, { subject: path, lineBytes: ANSWER_BYTES })
  const pull = yield* Stream.toPull(peer.messages)
  const gone = controlError("Lost", "read", path)
  const first = yield* pull.pipe(
    Effect.mapError(Option.getOrElse(() => gone)),
    Effect.timeoutFail({
      duration: GREETING_MILLIS,
      onTimeout: () => controlError("Lost", "connect", path, undefined, "it does not greet")
    })
  )
  const greeting = yield* readGreeting(Chunk.unsafeHead(first), path)
  const rest = Stream.concat(Stream.fromChunk(Chunk.drop(first, 1)), Stream.repeatEffectChunkOption(pull))
  const stream = <M extends Method>(method: M, params: Params<M>) =>
    Stream.unwrap(Effect.gen(function*() {
      const encoded = yield* encodeParams(method, params)
      yield* peer.send({ id: 1, method, params: encoded })
      return values(method, rest, path)
    }))
  return Option.some<Client>({
    pid: greeting.pid,
    release: greeting.release,
    stream,
    call: (method, params) =>
      Stream.runHead(stream(method, params)).pipe(
        Effect.flatMap(Option.match({ onNone: () => Effect.fail(gone), onSome: Effect.succeed }))
      )
  })
})

const readGreeting = Effect.fn("Client.readGreeting")(function*(message: unknown, path: string) {
  const said = yield* Schema.decodeUnknown(Schema.Union(Greeting, Answer))(message).pipe(
    Effect.mapError((cause) => controlError("Malformed", "connect", path, cause))
  )
  if ("error" in said) return yield* remote(said.error)
  if (!("sealog" in said)) return yield* controlError("Malformed", "connect", path)
  if (said.sealog > PROTOCOL) return yield* controlError("NewerProtocol", "connect", path)
  return said
})

const values = <M extends Method>(method: M, answers: Stream.Stream<unknown, ControlError>, path: string) => {
  const malformed = (cause: unknown) => controlError("Malformed", "read", path, cause)
  const decodeValue = Schema.decodeUnknown<Value<M>, unknown, never>(
    // The record of methods loses which value goes with which method; the key restores it.
    methods[method].value as unknown as Schema.Schema<Value<M>, unknown>
  )
  const read = Effect.fn("Client.read")(function*(message: unknown) {
    const answer = yield* Effect.mapError(Schema.decodeUnknown(Answer)(message), malformed)
    if ("error" in answer) return yield* remote(answer.error)
    if ("end" in answer) return Option.none<Value<M>>()
    return Option.some(yield* Effect.mapError(decodeValue(answer.value), malformed))
  })
  return answers.pipe(
    Stream.concat(Stream.fail(controlError("Lost", "read", path))),
    Stream.mapEffect(read),
    Stream.takeWhile(Option.isSome),
    Stream.map((value) => value.value)
  )
}

const encodeParams = <M extends Method>(method: M, params: Params<M>) =>
  Schema.encode(methods[method].params as unknown as Schema.Schema<Params<M>, unknown>)(params).pipe(
    Effect.mapError((cause) => controlError("BadParams", "call", method, cause))
  )

const remote = (trouble: { exit: number; reason: string; message: string; hint: string; subject?: string }) =>
  new RemoteError({
    exit: trouble.exit,
    reason: trouble.reason,
    said: trouble.message,
    hint: trouble.hint,
    ...(trouble.subject === undefined ? {} : { subject: trouble.subject })
  })
