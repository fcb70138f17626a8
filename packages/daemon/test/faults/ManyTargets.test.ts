/**
 * Several targets, of which some hang, are full, or are away: the others have everything at once, those catch up by
 * themselves, and a restore takes what it needs from whichever has it.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { differences, fillMaildir, initialise, type Machine, makeMachine } from "../support/Machine.ts"
import { until } from "../support/Until.ts"
import { initLine, inSmall, noNamespace } from "./SmallDisk.ts"

/** A server that takes connections and says nothing: for ever, or until it hangs up. Gives its URL. */
const silentServer = (hangUpMillis?: number) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<{ readonly url: string; readonly close: () => void }>((resume) => {
        const open = new Set<Socket>()
        const server = createServer((socket) => {
          open.add(socket)
          socket.on("error", () => {})
          socket.on("close", () => open.delete(socket))
          socket.resume()
          if (hangUpMillis !== undefined) setTimeout(() => socket.destroy(), hangUpMillis).unref()
        })
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo
          const close = () => {
            for (const socket of open) socket.destroy()
            server.close()
          }
          resume(Effect.succeed({ url: `http://127.0.0.1:${port}/vault/`, close }))
        })
      }),
      ({ close }) => Effect.sync(close)
    ),
    ({ url }) => url
  )

/** As its owner writes it by hand: nobody can prepare a place that does not answer. */
const addByHand = ({ home }: Machine, name: string, spec: string) =>
  fs.appendFileSync(join(home, "config.toml"), `\n[[target]]\nname = "${name}"\nspec = "${spec}"\n`)

interface TargetSaid {
  readonly name: string
  readonly state: string
  readonly behindEvents: number
}

const targetsOf = (out: string): Readonly<Record<string, TargetSaid>> =>
  Object.fromEntries((JSON.parse(out).targets as ReadonlyArray<TargetSaid>).map((each) => [each.name, each]))

const deliver = ({ mail }: Machine, name: string) =>
  fs.writeFileSync(join(mail, "new", name), "From: ada@sample.example\n\nlate\n")

describe.concurrent("of several targets", () => {
  /** Verifies: SHIP-20 */
  it.scopedLive(
    "one that never answers holds up neither the daemon nor a capture nor another target",
    () =>
      Effect.gen(function*() {
        const machine = yield* makeMachine
        yield* fillMaildir(machine, { count: 5, seed: 51 })
        yield* initialise(machine)
        addByHand(machine, "nas", `webdav:${yield* silentServer()}`)
        const began = performance.now()
        const daemon = yield* machine.start(["run", "--ship-delay", "0"])
        yield* daemon.says(/ready/)
        assert.isBelow(performance.now() - began, 15_000)
        const status = Effect.map(machine.sealog(["status", "--json"]), ({ out }) => out)
        const diskIs = (events: number) =>
          until(status, (out) => targetsOf(out)["disk"]?.behindEvents === 0 && JSON.parse(out).treeSize === events)
        const before = JSON.parse(yield* until(status, (said) => JSON.parse(said).treeSize > 5)).treeSize
        yield* diskIs(before)
        deliver(machine, "1.M1.late")
        const out = yield* diskIs(before + 1)
        assert.deepInclude(targetsOf(out)["nas"], { behindEvents: before + 1 })
        const stopped = yield* daemon.kill("SIGTERM")
        assert.strictEqual(stopped.code, 0)
      }),
    120_000
  )

  /** Verifies: SHIP-20, FAULT-12 */
  it.scopedLive(
    "one that answers too late for a sync is told with 3 and by how much it is behind, and the others are not",
    () =>
      Effect.gen(function*() {
        const machine = yield* makeMachine
        yield* fillMaildir(machine, { count: 5, seed: 52 })
        yield* initialise(machine)
        const away = join(machine.folder, "away")
        // Longer than a capture waits for a target, shorter than this test.
        addByHand(machine, "nas", `webdav:${yield* silentServer(7_000)}`)
        addByHand(machine, "away", `disk:${away}`)
        const { code, out } = yield* machine.sealog(["sync", "--json"])
        assert.strictEqual(code, 3)
        const { disk, ...others } = targetsOf(out)
        const { treeSize } = JSON.parse(out)
        assert.deepInclude(disk, { state: "current", behindEvents: 0 })
        for (const name of ["nas", "away"]) {
          assert.deepInclude(others[name], { state: "unreachable", behindEvents: treeSize }, name)
        }
        assert.isFalse(fs.existsSync(away))
        const human = yield* machine.sealog(["status"])
        assert.match(human.out, new RegExp(`nas +unreachable.* ${treeSize} events behind`))
      }),
    120_000
  )

  /** Verifies: SHIP-20, FAULT-13 */
  it.scopedLive(
    "one that is full and one that is away are each behind alone, and catch up by themselves under a daemon",
    (test) =>
      Effect.gen(function*() {
        if (noNamespace !== undefined) return test.skip(noNamespace)
        const machine = yield* makeMachine
        yield* fillMaildir(machine, { count: 400, seed: 53 })
        const [away, small] = [join(machine.folder, "away"), join(machine.folder, "small")]
        const targets = `--target 'full=disk:${small}/vault' --target 'away=disk:${away}'`
        const steps = yield* inSmall(
          machine,
          2_048,
          `${initLine(machine, machine.vault)} ${targets}
         head -c 1900k /dev/zero > small/other
         mv away away.unplugged
         sealog sync --json
         sealog run --ship-delay 0 > daemon.out & daemon=$!
         for n in $(seq 100); do grep -q ready daemon.out && break; sleep 0.1; done
         rm small/other; mv away.unplugged away
         for n in $(seq 150); do
           sealog status --json > status.now; grep -q '"state":"\\(full\\|unreachable\\|behind\\)"' status.now || break
           sleep 0.2
         done
         sealog status --json
         kill $(sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p' status.now); wait $daemon
         sealog restore --from 'disk:${away}' --to restored --format maildir`
        )
        const [made, synced, status, restored] = steps
        assert.deepStrictEqual(
          [made?.code, synced?.code, status?.code, restored?.code],
          [0, 3, 0, 0],
          JSON.stringify(steps)
        )
        const first = targetsOf(synced!.out)
        assert.deepStrictEqual(
          ["disk", "full", "away"].map((name) => first[name]?.state),
          ["current", "full", "unreachable"]
        )
        const { treeSize } = JSON.parse(synced!.out)
        assert.strictEqual(first["away"]?.behindEvents, treeSize)
        for (const each of Object.values(targetsOf(status!.out))) {
          assert.deepInclude(each, { state: "current", behindEvents: 0 })
        }
        assert.strictEqual(differences(machine.mail, join(machine.folder, "restored", "maildir")), "")
      }).pipe(Effect.provide(NodeContext.layer)),
    120_000
  )
})

describe.concurrent("a restore from several places", () => {
  /** Verifies: RST-20 */
  it.scopedLive(
    "takes the first that answers, leaves out those that do not, and says so",
    () =>
      Effect.gen(function*() {
        const machine = yield* makeMachine
        yield* fillMaildir(machine, { count: 10, seed: 54 })
        yield* initialise(machine)
        yield* machine.sealog(["sync"])
        const silent = `webdav:${yield* silentServer()}`
        const places = [`disk:${machine.folder}/gone`, silent, `disk:${machine.vault}`]
        const to = join(machine.folder, "restored")
        const restored = yield* machine.sealog([
          "restore",
          ...places.flatMap((place) => ["--from", place]),
          "--to",
          to,
          "--format",
          "maildir",
          "--json"
        ])
        assert.strictEqual(restored.code, 0, restored.err)
        const { warnings } = JSON.parse(restored.out)
        assert.deepStrictEqual(warnings.map(({ reason }: { readonly reason: string }) => reason), [
          "PlaceAway",
          "PlaceAway"
        ])
        assert.strictEqual(differences(machine.mail, join(to, "maildir")), "")
      }),
    120_000
  )

  /** Verifies: RST-20 */
  it.scopedLive("takes what is damaged, missing, or no key at one from another", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      yield* initialise(machine)
      for (const seed of [55, 56, 57]) {
        yield* fillMaildir(machine, { count: 5, seed })
        yield* machine.sealog(["sync"])
      }
      const second = `${machine.vault}.second`
      fs.cpSync(machine.vault, second, { recursive: true })
      const [damaged, missing, ...rest] = fs.readdirSync(join(machine.vault, "log"))
      assert.isAtLeast(rest.length, 1)
      fs.truncateSync(join(machine.vault, "log", damaged!), 100)
      fs.rmSync(join(machine.vault, "log", missing!))
      fs.rmSync(join(second, "log", rest[0]!))
      for (const slot of fs.readdirSync(join(machine.vault, "slots"))) {
        fs.truncateSync(join(machine.vault, "slots", slot), 50)
      }
      const to = join(machine.folder, "restored")
      const restored = yield* machine.sealog([
        "restore",
        "--from",
        `disk:${machine.vault}`,
        "--from",
        `disk:${second}`,
        "--to",
        to,
        "--format",
        "maildir"
      ])
      assert.strictEqual(restored.code, 0, restored.out + restored.err)
      assert.strictEqual(differences(machine.mail, join(to, "maildir")), "")
    }).pipe(Effect.provide(NodeContext.layer)), 60_000)
})
