/**
 * One run of the daemon: the real program on simulated adapters, from its start until it is told to stop, ends by
 * itself, or is killed. Whatever it does to the world goes through a gate that counts, and at which it can be killed:
 * before a request is done, or after it was and before the answer came.
 */
import { CommandExecutor } from "@effect/platform/CommandExecutor"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import { openMemoryJournal } from "@sealog/adapters/journal/Memory"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { JournalError, type JournalReason, type JournalShape } from "@sealog/core/backup/Journal"
import { SourceError } from "@sealog/core/backup/Source"
import type { StorageShape } from "@sealog/core/backup/Storage"
import { Compressor, type CompressorShape } from "@sealog/core/format/Compressor"
import { Entropy } from "@sealog/core/keys/Entropy"
import { Kdf } from "@sealog/core/keys/Kdf"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import type { EngineError, Running } from "@sealog/daemon/Engine"
import { Adapters, type PartServices } from "@sealog/daemon/engine/Adapters"
import { run } from "@sealog/daemon/engine/Daemon"
import { Home } from "@sealog/daemon/Home"
import { Platform } from "@sealog/daemon/Platform"
import { Progress } from "@sealog/daemon/Progress"
import { Secrets } from "@sealog/daemon/Secret"
import { Terminal } from "@sealog/daemon/Terminal"
import { Context, Effect, type Exit, type Fiber, FiberId, Option, Random, Stream } from "effect"
import { linux } from "../../support/Harness.ts"
import type { Gate } from "./Files.ts"
import { HOME, type HomeState, PASSWORD } from "./HomeState.ts"
import type { Store } from "./Store.ts"
import { makeStoreSource, memory } from "./StoreSource.ts"
import { count, type Counts, type Target } from "./Target.ts"
import { killed, type Mortal, type Timeline } from "./Timeline.ts"
import type { Variant } from "./Variants.ts"

/** The world a daemon runs in. */
export interface World {
  readonly timeline: Timeline
  readonly random: () => number
  readonly entropy: Context.Tag.Service<typeof Entropy>
  readonly kdf: Context.Tag.Service<typeof Kdf>
  readonly ring: KeyRingShape
  readonly counts: Counts
  readonly targets: ReadonlyArray<Target>
  readonly shipDelaySeconds: number
  /** Messages that a pass reads at a time, and whether it goes on to read while they are written. */
  readonly batch: number
  readonly readsAhead: boolean
  readonly variant: Variant
  /** Notes a request, for the trace. */
  readonly note: (text: string) => void
}

/** What a process stands on: this outlives it. */
export interface Standing {
  readonly name: string
  readonly home: HomeState
  readonly store: Store
}

export class Life implements Mortal {
  dead = false
  readonly waiting = new Set<() => void>()
  /** By the timers' clock. */
  readonly startedAt: number
  /** Once it can be asked. */
  running: Running | undefined
  /** How it ended. */
  ended: Exit.Exit<unknown, EngineError> | undefined
  /** What the daemon takes for its journal. */
  journal: JournalShape | undefined
  /** Requests until it is killed, and whether the last one is still done. */
  fuse: { requests: number; readonly done: boolean } | undefined
  /** Why the next appends fail, and how many of them. */
  journalTrouble: { readonly reason: JournalReason; times: number } | undefined
  private readonly world: World
  private readonly fiber: Fiber.RuntimeFiber<unknown, EngineError>

  constructor(world: World, standing: Standing) {
    this.world = world
    this.startedAt = world.timeline.now
    const program = Effect.gen(this, function*() {
      const running = yield* run({ shipDelaySeconds: world.shipDelaySeconds })
      this.running = running
      return yield* running.failed
    })
    this.fiber = this.fork(Effect.provide(Effect.scoped(program), this.services(standing)))
    this.fiber.addObserver((exit) => {
      this.ended = exit
      this.running = undefined
    })
  }

  /** Runs something beside the daemon in its process, as the control socket does. */
  fork<A, E>(work: Effect.Effect<A, E>): Fiber.RuntimeFiber<A, E> {
    const { random, timeline } = this.world
    return Effect.runFork(
      work.pipe(
        Effect.withClock(timeline.clockOf(this)),
        Effect.withRandom(Random.make(Math.floor(random() * 2 ** 32))),
        Effect.withTracerEnabled(false),
        Effect.provideService(Compressor, uncompressed)
      ),
      { scheduler: timeline.scheduler }
    )
  }

  /** It is gone at once: nothing it had only in memory is anywhere any more. */
  kill(): void {
    if (this.dead) return
    this.dead = true
    for (const end of this.waiting) end()
    this.fiber.unsafeInterruptAsFork(FiberId.none)
  }

  /** It is told to stop. */
  stop(): void {
    this.fiber.unsafeInterruptAsFork(FiberId.none)
  }

  private readonly gate: Gate = (request, work) =>
    Effect.suspend(() => {
      if (this.dead) return killed
      this.world.note(request)
      const fuse = this.fuse
      if (fuse === undefined || --fuse.requests > 0) return work
      this.fuse = undefined
      count(this.world.counts, fuse.done ? `killed after ${request}` : `killed before ${request}`)
      const end = Effect.suspend(() => {
        this.kill()
        return killed
      })
      return fuse.done ? Effect.zipRight(Effect.exit(work), end) : end
    })

  /** Takes a moment, so that something can come in between. */
  private readonly moment = Effect.suspend(() => {
    const { random, timeline } = this.world
    return random() < MOMENT_CHANCE ? timeline.sleep(1 + Math.floor(random() * MOMENT_MILLIS), this) : Effect.void
  })

  private services(standing: Standing): Context.Context<PartServices> {
    const { entropy, kdf } = this.world
    return Context.empty().pipe(
      Context.add(Entropy, entropy),
      Context.add(Kdf, kdf),
      Context.add(FileSystem, standing.home.files.through(this.gate)),
      Context.add(Adapters, this.adapters(standing)),
      Context.add(Home, HOME),
      Context.add(Platform, linux),
      Context.add(Progress, { report: () => Effect.void, clear: Effect.void }),
      Context.add(Secrets, {
        unlock: Effect.succeed({ _tag: "password" as const, password: PASSWORD.value }),
        choose: Effect.dieMessage("no vault is made here")
      }),
      // What the engine may ask for and a daemon never does.
      Context.add(Terminal, never<Context.Tag.Service<typeof Terminal>>("a terminal")),
      Context.add(Path, never<Path>("paths")),
      Context.add(CommandExecutor, never<CommandExecutor>("commands"))
    )
  }

  private adapters({ home, store }: Standing): Context.Tag.Service<typeof Adapters> {
    const { batch, entropy, readsAhead, ring, targets, variant } = this.world
    const moment = this.moment
    return {
      openSource: ({ name }) =>
        Effect.suspend(() =>
          store.away === "NotFound"
            ? new SourceError({ reason: "NotFound", method: "open", subject: name })
            : Effect.succeed(makeStoreSource({ name, store, batch, readsAhead, gate: this.gate, pause: moment }))
        ),
      sourceMemory: () => Effect.succeed(memory),
      openTarget: ({ place }) => {
        const target = targets.find(({ name }) => place === `/${name}`)!
        const storage = target.through(this.gate, this)
        const knows = { ring, journal: () => this.journal }
        return Effect.succeed(variant.storage === undefined ? storage : variant.storage(storage, knows))
      },
      compressor: uncompressed,
      openWorkshop: Effect.dieMessage("a healing of the journal is not simulated"),
      openLocal: Effect.map(makeMemory({ objects: home.objects }), (storage) => this.local(storage)),
      openJournal: openMemoryJournal(home.disk).pipe(
        Effect.provideService(Entropy, entropy),
        Effect.map((opened) => {
          const gated = this.gatedJournal(opened)
          this.journal = variant.journal === undefined ? gated : variant.journal(gated)
          return this.journal
        })
      )
    }
  }

  private local(storage: StorageShape): StorageShape {
    return {
      ...storage,
      put: (name, bytes) => this.gate("local put", storage.put(name, bytes)),
      get: (name, range) => this.gate("local get", storage.get(name, range)),
      delete: (name) => this.gate("local delete", storage.delete(name))
    }
  }

  private gatedJournal(journal: JournalShape): JournalShape {
    const write = <A>(request: string, work: Effect.Effect<A, JournalError>) =>
      this.moment.pipe(
        Effect.zipRight(this.gate(request, Effect.suspend(() => this.troubled(request) ?? work))),
        Effect.zipLeft(this.moment)
      )
    const look = <A>(request: string, work: Effect.Effect<A, JournalError>) => this.gate(request, work)
    return {
      ...journal,
      append: (entry) => write("append", journal.append(entry)),
      blocks: (range) => Stream.unwrap(look("blocks", Effect.succeed(journal.blocks(range)))),
      headAt: (at) => look("headAt", journal.headAt(at)),
      leaves: (range) => look("leaves", journal.leaves(range)),
      contents: (sha256) => look("contents", journal.contents(sha256)),
      state: (source) => look("state", journal.state(source)),
      remember: (source, delta) => write("remember", journal.remember(source, delta)),
      replaceState: (source, state) => write("replaceState", journal.replaceState(source, state)),
      readNote: (name) => look("readNote", journal.readNote(name)),
      writeNote: (name, text) => write("writeNote", journal.writeNote(name, text)),
      fork: (options) => write("fork", journal.fork(options))
    }
  }

  private troubled(method: string): Effect.Effect<never, JournalError> | undefined {
    const trouble = this.journalTrouble
    if (trouble === undefined) return undefined
    if (--trouble.times <= 0) this.journalTrouble = undefined
    count(this.world.counts, `journal ${trouble.reason}`)
    return new JournalError({ reason: trouble.reason, method })
  }
}

/** Half the time of a world went into compressing its few bytes. */
const uncompressed: CompressorShape = {
  compressAll: (inputs) => Effect.sync(() => inputs.map((input) => ({ codec: "none", frame: input.slice() })))
}

const MOMENT_MILLIS = 4
const MOMENT_CHANCE = 0.2

const never = <A extends object>(what: string): A =>
  new Proxy({} as A, {
    get: () => {
      throw new Error(`the daemon asked for ${what}`)
    }
  })

/** What something that ran to its end came to; nothing while it runs. */
export const resultOf = <A, E>(fiber: Fiber.RuntimeFiber<A, E>): Exit.Exit<A, E> | undefined =>
  Option.getOrUndefined(Effect.runSync(fiber.poll))
