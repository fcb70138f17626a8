/**
 * A place that misbehaves, in front of one that does not: every fault a real place has shown, on call or by chance
 * from a seed, so that what must survive them can be tested and any failure played again.
 */
import { Clock, Effect, Ref, Stream } from "effect"
import {
  type ByteRange,
  type ObjectInfo,
  StorageError,
  type StorageReason,
  type StorageShape
} from "../backup/Storage.ts"

export type Verb = "put" | "get" | "list" | "delete"
export const verbs: ReadonlyArray<Verb> = ["put", "get", "list", "delete"]

/** One request as it arrived; `nth` counts all requests from 0. */
export interface Call {
  readonly nth: number
  readonly verb: Verb
  /** The object or, of a listing, the prefix. */
  readonly name: string
  /** When it arrived, milliseconds of the clock. */
  readonly atMillis: number
}

export type Fault =
  /** Nothing is done and the reason given. */
  | { readonly _tag: "fail"; readonly reason: StorageReason; readonly retryable?: boolean }
  /** It is done, and Unreachable given: the answer was lost on its way. */
  | { readonly _tag: "lostAcknowledgement" }
  /** A put stores only the beginning under the final name, as a careless server does, and Unreachable is given. */
  | { readonly _tag: "torn"; readonly keepBytes: number }
  /** The same, and it is called a success. */
  | { readonly _tag: "tornSilently"; readonly keepBytes: number }
  /** Neither answer nor failure, ever. */
  | { readonly _tag: "hang" }
  /** It is done after so long, milliseconds. */
  | { readonly _tag: "slow"; readonly millis: number }
  /** A put is called a success, and takes place only after the next one that is not late: writes in another order. */
  | { readonly _tag: "late" }
  /** A get gives one bit flipped. */
  | { readonly _tag: "wrongBytes" }
  /** A get gives less than there is. */
  | { readonly _tag: "short"; readonly keepBytes: number }
  /** A listing shows what the last one before it that was not stale showed. */
  | { readonly _tag: "staleList" }
  /** A listing comes from its end to its beginning. */
  | { readonly _tag: "reorderedList" }
  /** A listing leaves out the objects that the test picks. */
  | { readonly _tag: "partialList"; readonly hides: (info: ObjectInfo) => boolean }
  /** A delete does nothing and is called a success. */
  | { readonly _tag: "ignored" }

/** Decides which calls go wrong, and how. */
export type Plan = (call: Call) => Fault | undefined

/** All objects at one moment. */
export type Snapshot = ReadonlyMap<string, Uint8Array>

export interface FaultyStorage {
  readonly storage: StorageShape
  /** Replaces the plan; `undefined` ends all trouble. */
  readonly setPlan: (plan: Plan | undefined) => Effect.Effect<void>
  /** Every request so far, in order. */
  readonly calls: Effect.Effect<ReadonlyArray<Call>>
  readonly count: Effect.Effect<Readonly<Record<Verb, number>>>
  readonly forgetCalls: Effect.Effect<void>
  /** What the place behind holds now, past all faults. */
  readonly snapshot: Effect.Effect<Snapshot, StorageError>
  /** Makes the place behind hold exactly that: an owner of the place who turns back time, or deletes. */
  readonly rollBack: (to: Snapshot) => Effect.Effect<void, StorageError>
  /** Changes what is stored under a name without asking. */
  readonly tamper: (name: string, change: (bytes: Uint8Array) => Uint8Array) => Effect.Effect<void, StorageError>
}

export const makeFaulty = Effect.fn("FaultyStorage.make")(function*(behind: StorageShape, plan?: Plan) {
  const current = yield* Ref.make<Plan | undefined>(plan)
  const calls = yield* Ref.make<ReadonlyArray<Call>>([])
  const late = yield* Ref.make<ReadonlyArray<readonly [name: string, bytes: Uint8Array]>>([])
  const lists = yield* Ref.make<ReadonlyMap<string, ReadonlyArray<ObjectInfo>>>(new Map())

  const arrive = Effect.fnUntraced(function*(verb: Verb, name: string) {
    const atMillis = yield* Clock.currentTimeMillis
    const call = yield* Ref.modify(calls, (all) => {
      const arrived = { nth: all.length, verb, name, atMillis }
      return [arrived, [...all, arrived]]
    })
    const decide = yield* Ref.get(current)
    const fault = decide?.(call)
    if (fault?._tag === "hang") return yield* Effect.never
    if (fault?._tag === "slow") yield* Effect.sleep(fault.millis)
    if (fault?._tag === "fail") return yield* refusal(verb, name, fault.reason, fault.retryable)
    return fault
  })

  const put = Effect.fn("FaultyStorage.put")(function*(name: string, bytes: Uint8Array) {
    const fault = yield* arrive("put", name)
    if (fault?._tag === "late") return yield* Ref.update(late, (all) => [...all, [name, bytes.slice()] as const])
    const torn = fault?._tag === "torn" || fault?._tag === "tornSilently"
    yield* behind.put(name, torn ? bytes.subarray(0, fault.keepBytes) : bytes)
    // What was acknowledged long ago: nobody is left to be told of a name that is taken by now.
    const waiting = yield* Ref.getAndSet(late, [])
    yield* Effect.forEach(
      waiting,
      ([object, earlier]) =>
        Effect.catchIf(behind.put(object, earlier), ({ reason }) => reason === "AlreadyExists", () => Effect.void)
    )
    if (fault?._tag === "torn") return yield* lost("put", name)
    if (fault?._tag === "lostAcknowledgement") return yield* lost("put", name)
  })

  const get = Effect.fn("FaultyStorage.get")(function*(name: string, range?: ByteRange) {
    const fault = yield* arrive("get", name)
    const bytes = yield* behind.get(name, range)
    if (fault?._tag === "lostAcknowledgement") return yield* lost("get", name)
    if (fault?._tag === "short") return bytes.subarray(0, fault.keepBytes)
    return fault?._tag === "wrongBytes" ? flipped(bytes) : bytes
  })

  const list = (prefix: string): Stream.Stream<ObjectInfo, StorageError> =>
    Stream.unwrap(Effect.gen(function*() {
      const fault = yield* arrive("list", prefix)
      if (fault?._tag === "staleList") return Stream.fromIterable((yield* Ref.get(lists)).get(prefix) ?? [])
      const infos = [...(yield* Stream.runCollect(behind.list(prefix)))]
      yield* Ref.update(lists, (all) => new Map(all).set(prefix, infos))
      if (fault?._tag === "lostAcknowledgement") return Stream.fail(lost("list", prefix))
      if (fault?._tag === "reorderedList") return Stream.fromIterable(infos.toReversed())
      return Stream.fromIterable(fault?._tag === "partialList" ? infos.filter((info) => !fault.hides(info)) : infos)
    }))

  const remove = Effect.fn("FaultyStorage.delete")(function*(name: string) {
    const fault = yield* arrive("delete", name)
    if (fault?._tag === "ignored") return
    yield* behind.delete(name)
    if (fault?._tag === "lostAcknowledgement") return yield* lost("delete", name)
  })

  return {
    storage: { kind: behind.kind, capabilities: behind.capabilities, put, get, list, delete: remove },
    setPlan: (next) => Ref.set(current, next),
    calls: Ref.get(calls),
    count: Effect.map(Ref.get(calls), countByVerb),
    forgetCalls: Ref.set(calls, []),
    ...timeMachine(behind)
  } satisfies FaultyStorage
})

const timeMachine = (behind: StorageShape) => {
  const snapshot = Effect.gen(function*() {
    const infos = yield* Stream.runCollect(behind.list(""))
    const objects = yield* Effect.forEach(
      infos,
      ({ name }) => Effect.map(behind.get(name), (bytes) => [name, bytes] as const)
    )
    return new Map(objects)
  })
  const rollBack = Effect.fn("FaultyStorage.rollBack")(function*(to: Snapshot) {
    for (const [name, bytes] of yield* snapshot) {
      const then = to.get(name)
      if (then === undefined || !same(then, bytes)) yield* behind.delete(name)
    }
    const now = yield* snapshot
    for (const [name, bytes] of to) if (!now.has(name)) yield* behind.put(name, bytes)
  })
  const tamper = Effect.fn("FaultyStorage.tamper")(function*(name: string, change: (bytes: Uint8Array) => Uint8Array) {
    const bytes = yield* behind.get(name)
    yield* behind.delete(name)
    yield* behind.put(name, change(bytes.slice()))
  })
  return { snapshot, rollBack, tamper }
}

/** The n-th request of a verb, counted from 0, goes wrong in the way given; all others are well. */
export const faultAt = (verb: Verb, nth: number, fault: Fault): Plan => {
  let seen = 0
  return (call) => call.verb === verb && seen++ === nth ? fault : undefined
}

/** The first requests go wrong in the ways given, one after another; then all is well. */
export const script = (faults: ReadonlyArray<Fault | undefined>): Plan => {
  let next = 0
  return () => faults[next++]
}

/** Every request is refused. */
export const failing = (reason: StorageReason, of: ReadonlyArray<Verb> = verbs): Plan => (call) =>
  of.includes(call.verb) ? { _tag: "fail", reason } : undefined

/** Refuses what comes after the first so many requests of each span of time: an account with a rate. */
export const throttling = (options: { readonly requests: number; readonly perMillis: number }): Plan => {
  let span = 0
  let seen = 0
  return ({ atMillis }) => {
    const now = Math.floor(atMillis / options.perMillis)
    seen = now === span ? seen + 1 : 1
    span = now
    return seen > options.requests ? { _tag: "fail", reason: "Throttled" } : undefined
  }
}

/**
 * Trouble by chance, the same for the same seed and the same calls: a share of requests, from 0 to 1, is refused or
 * loses its answer. With `severe`, places also tear, lie and show old listings.
 */
export const seeded = (options: { readonly seed: number; readonly rate: number; readonly severe?: boolean }): Plan => {
  const random = generator(options.seed)
  return (call) => {
    const hit = random() < options.rate
    const faults = options.severe === true ? [...passing, ...severe[call.verb]] : passing
    const fault = faults[Math.floor(random() * faults.length)]
    return hit ? fault : undefined
  }
}

const passing: ReadonlyArray<Fault> = [
  { _tag: "fail", reason: "Unreachable" },
  { _tag: "fail", reason: "Throttled" },
  { _tag: "lostAcknowledgement" }
]

const severe: Record<Verb, ReadonlyArray<Fault>> = {
  put: [{ _tag: "torn", keepBytes: 100 }, { _tag: "tornSilently", keepBytes: 100 }, { _tag: "fail", reason: "Full" }],
  get: [{ _tag: "wrongBytes" }, { _tag: "short", keepBytes: 10 }],
  list: [{ _tag: "staleList" }],
  delete: [{ _tag: "ignored" }]
}

const passes: ReadonlySet<StorageReason> = new Set(["Unreachable", "Throttled"])

const refusal = (method: Verb, subject: string, reason: StorageReason, retryable = passes.has(reason)) =>
  new StorageError({ reason, method, subject, retryable })

const lost = (method: Verb, subject: string) => refusal(method, subject, "Unreachable")

const flipped = (bytes: Uint8Array): Uint8Array => {
  const copy = bytes.slice()
  const at = copy.length >> 1
  if (copy.length > 0) copy[at] = copy[at]! ^ 1
  return copy
}

const countByVerb = (calls: ReadonlyArray<Call>): Readonly<Record<Verb, number>> => {
  const counts = { put: 0, get: 0, list: 0, delete: 0 }
  for (const call of calls) counts[call.verb]++
  return counts
}

const same = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, at) => byte === b[at])

/** Numbers from 0 to 1 (mulberry32). */
const generator = (seed: number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
