/** A laptop: a store and its owner, a home, and the daemon that is running there or is not. */
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { openPin, type Pin } from "@sealog/core/backup/HeadPin"
import type { JournalShape } from "@sealog/core/backup/Journal"
import { readCursor, type ShipCursor } from "@sealog/core/backup/Shipper"
import type { SourceShape } from "@sealog/core/backup/Source"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { Effect } from "effect"
import { copyHome, HOME, type HomeState, SOURCE } from "./HomeState.ts"
import { Life, type Standing, type World } from "./Life.ts"
import { Store } from "./Store.ts"
import { makeStoreSource } from "./StoreSource.ts"
import { count } from "./Target.ts"

export class Machine implements Standing {
  readonly name: string
  home: HomeState
  store: Store
  life: Life | undefined
  /** When the service manager, or the owner, starts it again; by the timers' clock. */
  startAt: number | undefined
  /** When the store last changed, or could not be read. */
  storeMoved = 0
  /** How often this machine's past was changed behind its back. */
  turnedBack = 0
  private backups: Array<HomeState> = []
  private readonly world: World

  constructor(world: World, name: string, home: HomeState, store = new Store()) {
    this.world = world
    this.name = name
    this.home = home
    this.store = store
  }

  /** A clone of this one as it stands, disk and store and all. */
  clone(name: string): Machine {
    const other = new Machine(this.world, name, copyHome(this.home), new Store(this.store))
    other.storeMoved = this.world.timeline.now
    return other
  }

  start(): void {
    this.startAt = undefined
    this.life = new Life(this.world, this)
  }

  /** Pulls the plug or kills the process; what the disk had is what there is. */
  kill(power: boolean): void {
    const { life } = this
    if (life === undefined) return
    life.kill()
    this.world.timeline.settle()
    if (power) {
      count(this.world.counts, "power cut")
      this.home.files.cutPower(this.world.random)
    } else count(this.world.counts, "process killed")
    this.life = undefined
  }

  /** What a backup of the whole laptop would have copied, to be put back one day. */
  backUp(): void {
    this.backups = [...this.backups.slice(-2), copyHome(this.home)]
  }

  /** The home is put back as it was; the store stays. */
  turnBack(): boolean {
    const then = this.backups[Math.floor(this.world.random() * this.backups.length)]
    if (then === undefined || this.life !== undefined) return false
    this.home = copyHome(then)
    this.turnedBack++
    return true
  }

  /** The store as it is, for whoever looks; unreadable parts stay unreadable. */
  get source(): SourceShape {
    return makeStoreSource({
      name: SOURCE,
      store: this.store,
      batch: 1_000,
      gate: (_, work) => work,
      pause: Effect.void
    })
  }

  /** How far this home says that a target has its logs. */
  cursorAt(target: string): ShipCursor {
    const readNote: JournalShape["readNote"] = (name) => Effect.succeed(this.home.disk.notes.get(name))
    return Effect.runSync(readCursor({ readNote } as JournalShape, target))
  }

  /** What is pinned in this home. */
  pin(ring: KeyRingShape): Pin {
    return Effect.runSync(openPin(ring, this.home.files.read(HOME.headPin)!))
  }

  /** The key slots and contents that lie in the home. */
  get local() {
    return makeMemory({ objects: this.home.objects })
  }
}
