import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import * as fs from "node:fs"
import { join } from "node:path"
import { services } from "../journal/support.ts"
import { mail, makeFolder, put } from "../sources/MaildirDriver.ts"
import { freshFolder } from "../support.ts"
import {
  assertLaw,
  assertSameTree,
  dumpLines,
  type Machine,
  makeMachine,
  pass,
  passOrRestore,
  restoreInto
} from "./Machine.ts"

/** What the owner's mail programs may do between two passes. */
type Act =
  | { readonly act: "deliver"; readonly number: number }
  | { readonly act: "read" | "move" | "delete" | "copy"; readonly pick: number }
  | { readonly act: "folder" | "control"; readonly number: number }
  | { readonly act: "pass" | "restore" }

const pick = fc.nat(50)
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ act: fc.constant("deliver" as const), number: fc.nat(30) }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constantFrom("read", "move", "delete", "copy"), pick }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom("folder", "control"), number: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom("pass", "restore") }) }
)

/** What a program may append to a file of lines. */
const id = fc.nat(6).map((number) => `m${number}`)
const text = fc.string({ unit: "binary", maxLength: 12 })
const person = fc.constantFrom("ann", "bob")
const emoji = fc.constantFrom("❤️", "👍")
const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ id, text, author: person, at: fc.integer({ min: 0, max: 9 }), conversation: person }, {
      requiredKeys: ["id"]
    })
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("remove"), id, scope: fc.constantFrom("everyone", "me") }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("restore"), id }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("react", "unreact"), id, author: person, emoji }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("flags"), id, flags: fc.subarray(["read", "starred"]) }) },
  { weight: 1, arbitrary: fc.constant({ id: 5, malformed: true }) }
)
const lineAct = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant("append" as const), line }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom("pass" as const, "restore" as const, "rotate" as const) }) }
)

const linesHistory = Effect.fn("test.linesHistory")(
  function*(steps: ReadonlyArray<typeof lineAct extends fc.Arbitrary<infer T> ? T : never>) {
    const top = yield* freshFolder
    const machine: Machine = { ...(yield* makeMachine(top)), mail: join(top, "lines-store"), kind: "jsonl" }
    fs.mkdirSync(machine.mail)
    const file = join(machine.mail, "chat.jsonl")
    fs.writeFileSync(file, "")
    for (const each of steps) {
      if (each.act === "append") fs.appendFileSync(file, `${JSON.stringify(each.line)}\n`)
      else if (each.act === "rotate") {
        const older = fs.readdirSync(machine.mail).length
        for (let number = older; number > 1; number--) fs.renameSync(`${file}.${number - 1}`, `${file}.${number}`)
        fs.renameSync(file, `${file}.1`)
        fs.writeFileSync(file, "")
      } else yield* passOrRestore(machine, top, each.act)
    }
    yield* assertLaw(machine, top)
  },
  Effect.scoped,
  Effect.provide(services)
)

/** Every mail file of a store, relative to it. */
const mails = (root: string): ReadonlyArray<string> =>
  fs.readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => /(^|\/)(cur|new)\/[^/]+$/.test(path))
    .toSorted()

type Program = Extract<Act, { readonly act: "pass" | "restore" }>
const isProgram = (step: Act): step is Program => step.act === "pass" || step.act === "restore"

const perform = (machine: Machine, step: Exclude<Act, Program>): void => {
  const { mail: root } = machine
  const all = mails(root)
  const chosen = "pick" in step && all.length > 0 ? all[step.pick % all.length] : undefined
  const base = chosen?.split("/").at(-1)?.split(":")[0]
  switch (step.act) {
    case "deliver":
      return put(root, `new/${step.number}.host`, mail(step.number))
    case "folder":
      return makeFolder(root, `.Folder ${step.number}`)
    case "control":
      return fs.writeFileSync(join(root, "dovecot-uidlist"), `version ${step.number}\n`)
    case "read":
      if (chosen !== undefined) fs.renameSync(join(root, chosen), join(root, chosen, "../../cur", `${base}:2,S`))
      return
    case "move": {
      makeFolder(root, ".Folder 0")
      if (chosen !== undefined) fs.renameSync(join(root, chosen), join(root, ".Folder 0/cur", `${base}:2,R`))
      return
    }
    case "copy": {
      makeFolder(root, ".Copies")
      if (chosen !== undefined) fs.copyFileSync(join(root, chosen), join(root, ".Copies/cur", `copy-${step.pick}:2,`))
      return
    }
    case "delete":
      if (chosen !== undefined) fs.rmSync(join(root, chosen))
  }
}

const history = Effect.fn("test.history")(
  function*(acts: ReadonlyArray<Act>) {
    const top = yield* freshFolder
    const machine = yield* makeMachine(top)
    const target = machine.targets[0]!
    for (const step of acts) {
      if (!isProgram(step)) perform(machine, step)
      else {
        yield* pass(machine)
        if (step.act === "pass") continue
        yield* restoreInto({ target, dir: join(top, "again") })
        yield* restoreInto({ target, dir: join(top, "lines"), format: "jsonl" })
      }
    }
    yield* pass(machine)
    // In place beside an earlier restore, and anew: the same, and the same as the store.
    yield* restoreInto({ target, dir: join(top, "again") })
    yield* restoreInto({ target, dir: join(top, "fresh") })
    yield* restoreInto({ target, dir: join(top, "lines"), format: "jsonl" })
    assertSameTree(join(top, "fresh/maildir"), machine.mail)
    assertSameTree(join(top, "again/maildir"), machine.mail)
    assert.strictEqual(fs.readFileSync(join(top, "lines/messages.jsonl"), "utf8"), yield* dumpLines(machine))
  },
  Effect.scoped,
  Effect.provide(services)
)

describe("the law", () => {
  /** Verifies: RST-1, RST-2 */
  it(
    "canonical(restore(backup(x))) = canonical(x), byte for byte, for any history of a Maildir",
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), (acts) => Effect.runPromise(history(acts))),
        { numRuns: Number(process.env["SEALOG_HISTORIES"] ?? 20), endOnFailure: false }
      )
    }
  )

  /** Verifies: RST-1, RST-2 */
  it("holds for edits, reactions, removals, late and repeated lines of JSON", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(lineAct, { minLength: 1, maxLength: 40 }),
        (steps) => Effect.runPromise(linesHistory(steps))
      ),
      { numRuns: Number(process.env["SEALOG_HISTORIES"] ?? 20), endOnFailure: false }
    )
  })

  /** Verifies: RST-3 */
  it("a mail of 25 MB goes through blobs and comes back", { timeout: 60_000 }, () =>
    Effect.runPromise(
      Effect.gen(function*() {
        const top = yield* freshFolder
        const machine = yield* makeMachine(top)
        const body = Buffer.alloc(25 * 1024 * 1024, "attachment ")
        put(machine.mail, "new/large.host", Buffer.concat([Buffer.from(mail(1)), body]))
        put(machine.mail, "new/small.host", mail(2))
        yield* pass(machine)
        yield* restoreInto({ target: machine.targets[0]!, dir: join(top, "restored") })
        assertSameTree(join(top, "restored/maildir"), machine.mail)
        assert.strictEqual(fs.readdirSync(join(machine.targets[0]!, "blobs")).length, 2)
        // A second machine's worth of the same mail elsewhere in the store costs no second blob.
        put(machine.mail, "new/again.host", fs.readFileSync(join(machine.mail, "new/large.host")))
        yield* pass(machine)
        assert.strictEqual(fs.readdirSync(join(machine.targets[0]!, "blobs")).length, 2)
      }).pipe(Effect.scoped, Effect.provide(services))
    ))
})
