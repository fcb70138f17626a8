/**
 * Time and the order of things in a simulated world. Nothing here is real: what waits for a time waits in a list, what
 * is ready to run is run one by one in an order that the seed draws, and time moves only when nothing is ready. So a
 * whole day of several daemons is one synchronous loop that takes the same way for the same seed.
 *
 * `TestClock` would do for the time, but it finds out that all fibers wait by looking at them again after a turn of
 * the real event loop, which is slow by the million, and it has one time where a laptop has two: a clock on the wall
 * that is set and jumps, and the one that timers run by, which stands still while the laptop sleeps.
 */
import { Clock, Duration, Effect, type Scheduler } from "effect"

/** 2026-01-01T00:00:00Z, milliseconds: when every simulation begins. */
const BEGIN_MILLIS = 1_767_225_600_000
/** More turns than this without time moving is a loop that never waits. */
const TURNS = 200_000

/** Whoever can die while something waits for a time: then it is woken at once, to find that out. */
export interface Mortal {
  readonly dead: boolean
  /** What waits now, and how each is told of the end. */
  readonly waiting: Set<() => void>
}

/** What a fiber of a dead process finds wherever it goes on. */
export class Killed extends Error {
  override readonly name = "Killed"
}

export const killed = Effect.die(new Killed("the process was killed"))

interface Timer {
  readonly at: number
  readonly order: number
  readonly fire: () => void
}

export class Timeline {
  /** What timers run by, milliseconds since the beginning. */
  now = 0
  private ready: Array<() => void> = []
  private timers: Array<Timer> = []
  private order = 0
  private wallOffset = BEGIN_MILLIS
  private readonly random: () => number
  private readonly operations: number

  /** `operations`: how much a fiber may do at a stretch before others may have their turn. */
  constructor(random: () => number, operations: number) {
    this.random = random
    this.operations = operations
  }

  readonly scheduler: Scheduler.Scheduler = {
    shouldYield: (fiber) => fiber.currentOpCount > this.operations ? 0 : false,
    scheduleTask: (task) => void this.ready.push(task)
  }

  /** The clock on the wall, milliseconds since 1970. */
  get wall(): number {
    return Math.floor(this.now) + this.wallOffset
  }

  /** The wall clock is set, or the laptop slept meanwhile; timers do not notice. */
  setWall(by: number): void {
    this.wallOffset += by
  }

  /** Runs what is ready, in an order that is drawn, until everything waits. */
  settle(): void {
    for (let turns = 0; this.ready.length > 0; turns++) {
      if (turns > TURNS) throw new Error(`no end of work at ${this.now} ms: something never waits`)
      const at = Math.floor(this.random() * this.ready.length)
      const task = this.ready[at]!
      this.ready[at] = this.ready.at(-1)!
      this.ready.pop()
      task()
    }
  }

  /** Lets so much time pass, and all happen that falls into it. */
  advance(millis: number): void {
    const end = this.now + millis
    this.settle()
    for (let next = this.next(); next !== undefined && next.at <= end; next = this.next()) {
      this.timers.splice(this.timers.indexOf(next), 1)
      this.now = Math.max(this.now, next.at)
      next.fire()
      this.settle()
    }
    this.now = end
  }

  /** Runs something later; gives what calls it off. */
  after(millis: number, fire: () => void): () => void {
    const timer: Timer = { at: this.now + Math.max(1, millis), order: this.order++, fire }
    this.timers.push(timer)
    return () => {
      const at = this.timers.indexOf(timer)
      if (at >= 0) this.timers.splice(at, 1)
    }
  }

  /** Waits, unless the one who waits dies. */
  sleep(millis: number, mortal: Mortal): Effect.Effect<void> {
    return waitingOf(mortal, (resume) => Number.isFinite(millis) ? this.after(millis, resume) : () => {})
  }

  /** The clock as one process sees it. */
  clockOf(mortal: Mortal): Clock.Clock {
    const wall = () => this.wall
    return {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: wall,
      unsafeCurrentTimeNanos: () => BigInt(Math.round(wall() * 1_000_000)),
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanos: Effect.sync(() => BigInt(Math.round(wall() * 1_000_000))),
      sleep: (duration) => this.sleep(Duration.toMillis(duration), mortal)
    }
  }

  private next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.timers) {
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) {
        first = timer
      }
    }
    return first
  }
}

/** Waits for a sign, or for the end of the one who waits; `begin` gives what calls the sign off. */
export const waitingOf = (mortal: Mortal, begin: (resume: () => void) => () => void): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (mortal.dead) return resume(killed)
    const end = () => {
      callOff()
      resume(killed)
    }
    const callOff = begin(() => {
      mortal.waiting.delete(end)
      resume(Effect.void)
    })
    mortal.waiting.add(end)
    return Effect.sync(() => {
      mortal.waiting.delete(end)
      callOff()
    })
  })
