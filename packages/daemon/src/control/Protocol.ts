/**
 * What the daemon and the command line say to each other: JSON, one message a line. The server greets; the client
 * asks by number; each answer is any count of values, then an end or an error.
 *
 *   server  {"sealog":1,"pid":4711,"release":"0.1.0"}
 *   client  {"id":1,"method":"status","params":{}}
 *   server  {"id":1,"value":{…}}
 *   server  {"id":1,"end":true}      or  {"id":1,"error":{"exit":12,…}}
 *   client  {"id":1,"cancel":true}   to stop a stream
 */
import { Data, type Effect, Schema, type Stream } from "effect"
import type { KnownError } from "../Failure.ts"
import * as Reports from "../Reports.ts"
import { Spec } from "../Spec.ts"

/** Raised when either side could misunderstand the other. */
export const PROTOCOL = 1
/** A request's longest line, bytes. */
export const REQUEST_BYTES = 64 * 1024
/** An answer's longest line, bytes: the longest event, its bytes in base64, and as much again. */
export const ANSWER_BYTES = 4 * 1024 * 1024
/** Clients at once. */
export const CONNECTIONS = 64
/** Questions of one client at once. */
export const REQUESTS = 16

export type ControlReason =
  /** Another daemon answers on this home's socket. */
  | "Locked"
  | "Denied"
  /** The other side speaks a newer protocol. */
  | "NewerProtocol"
  /** The other side said something that is not of the protocol. */
  | "Malformed"
  | "TooLong"
  | "UnknownMethod"
  | "BadParams"
  /** More at once than is answered. */
  | "Busy"
  /** The daemon went away in the middle. */
  | "Lost"
  | "Io"

export class ControlError extends Data.TaggedError("ControlError")<{
  readonly reason: ControlReason
  readonly method: string
  /** The socket, or the method asked for. */
  readonly subject: string
  readonly pid?: number
  readonly detail?: string
  readonly cause?: unknown
}> {
  override get message() {
    return `control ${this.method} ${this.subject}: ${this.reason}${
      this.detail === undefined ? "" : ` (${this.detail})`
    }`
  }
}

/** What went wrong in the daemon, as it said it: shown as if it had happened here. */
export class RemoteError extends Data.TaggedError("RemoteError")<{
  readonly exit: number
  readonly reason: string
  readonly said: string
  readonly hint: string
  readonly subject?: string
}> {
  override get message() {
    return this.said
  }
}

export const Greeting = Schema.Struct({ sealog: Schema.Int, pid: Schema.Int, release: Schema.String })
export type Greeting = typeof Greeting.Type

export const Request = Schema.Union(
  Schema.Struct({
    id: Schema.Int,
    method: Schema.String,
    params: Schema.optionalWith(Schema.Unknown, { default: () => ({}) })
  }),
  Schema.Struct({ id: Schema.Int, cancel: Schema.Literal(true) })
)
export type Request = typeof Request.Type

const Trouble = Schema.Struct({
  exit: Schema.Int,
  reason: Schema.String,
  message: Schema.String,
  hint: Schema.String,
  subject: Schema.optionalWith(Schema.String, { exact: true })
})

/** In this order: a value may be anything, so an answer that has none would pass for one. */
export const Answer = Schema.Union(
  Schema.Struct({ id: Schema.NullOr(Schema.Int), error: Trouble }),
  Schema.Struct({ id: Schema.Int, end: Schema.Literal(true) }),
  Schema.Struct({ id: Schema.Int, value: Schema.Unknown })
)
export type Answer = typeof Answer.Type

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })
const Percent = Schema.Struct({ samplePercent: Schema.Number.pipe(Schema.between(0, 100)) })
const Millis = Schema.Int

/** Every method: what is asked, and what each value of the answer is. */
export const methods = {
  status: { params: Schema.Struct({}), value: Reports.StatusReport },
  sync: { params: Schema.Struct({ shipDelaySeconds: Schema.NonNegative }), value: Reports.SyncReport },
  log: {
    params: Schema.Struct({
      follow: Schema.Boolean,
      conversation: optional(Schema.String),
      sinceMillis: optional(Millis),
      untilMillis: optional(Millis)
    }),
    value: Reports.LogLine
  },
  drill: {
    params: Schema.Struct({
      target: optional(Schema.String),
      from: optional(Spec),
      mode: Schema.Union(Schema.Literal("incremental", "full"), Percent)
    }),
    value: Reports.DrillReport
  },
  fingerprint: { params: Schema.Struct({}), value: Reports.FingerprintReport },
  targetAdd: { params: Schema.Struct({ target: Spec }), value: Reports.TargetAddReport },
  targetRemove: { params: Schema.Struct({ name: Schema.String }), value: Reports.TargetRemoveReport }
} as const

export type Method = keyof typeof methods
export type Params<M extends Method> = (typeof methods)[M]["params"]["Type"]
export type Value<M extends Method> = (typeof methods)[M]["value"]["Type"]

/** How a daemon answers: an effect for one value, a stream where the answer is a stream. */
export interface Handlers {
  readonly status: (params: Params<"status">) => Effect.Effect<Value<"status">, KnownError>
  readonly sync: (params: Params<"sync">) => Effect.Effect<Value<"sync">, KnownError>
  readonly log: (params: Params<"log">) => Stream.Stream<Value<"log">, KnownError>
  readonly drill: (params: Params<"drill">) => Effect.Effect<Value<"drill">, KnownError>
  readonly fingerprint: (params: Params<"fingerprint">) => Effect.Effect<Value<"fingerprint">, KnownError>
  readonly targetAdd: (params: Params<"targetAdd">) => Effect.Effect<Value<"targetAdd">, KnownError>
  readonly targetRemove: (params: Params<"targetRemove">) => Effect.Effect<Value<"targetRemove">, KnownError>
}
