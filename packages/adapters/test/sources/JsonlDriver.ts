/** A folder of JSON Lines of its own, and what the programs that write it do. */
import { openJsonl } from "@sealog/adapters/sources/Jsonl"
import { type SourceCapability, StoreDriver } from "@sealog/core/testing/SourceContract"
import { Effect, Layer } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { attempt, fingerprint, temporaryFolder } from "./MaildirDriver.ts"

export const jsonlCapabilities: ReadonlySet<SourceCapability> = new Set(
  ["edit", "remove", "restore", "flag", "gap", "odd"] as const
)

const ODD = [
  "{\"id\":\"\",\"text\":\"\"}",
  "{ \"id\" : \"spaces\", \"text\": \"x\" }",
  "{\"id\":\"big\",\"n\":12345678901234567890,\"f\":1.10,\"z\":-0}",
  "{\"id\":\"half\",\"text\":\"\\ud83d\"}",
  "{\"__proto__\":{\"x\":1},\"id\":\"proto\"}",
  "{\"text\":\"no id 🌱\"}",
  "{\"at\":1700000000123,\"id\":\"millis\",\"type\":\"text\"}",
  "{\"at\":\"2024-01-01T00:00:00+02:00\",\"flags\":[\"b\",\"a\",\"a\"],\"id\":\"zone\"}",
  "{\"attachments\":[{\"id\":\"1\",\"strange\":true}],\"id\":\"attached\",\"reactions\":[{\"author\":\"a\",\"emoji\":\"👍\"}]}",
  "{\"id\":\"crlf\"}\r"
]

export const jsonlDriver = Layer.scoped(
  StoreDriver,
  Effect.gen(function*() {
    const top = yield* temporaryFolder
    const root = join(top, "lines")
    const file = join(root, "chat.jsonl")
    const append = (line: string) => attempt(() => fs.appendFileSync(file, `${line}\n`))
    const of = (number: number, more: object) =>
      append(JSON.stringify({ conversation: "us", id: `m${number}`, ...more }))
    yield* attempt(() => {
      fs.mkdirSync(root)
      fs.writeFileSync(file, "")
    })
    return {
      open: openJsonl({ name: "jsonl", path: root }),
      add: (number) => of(number, { at: "2024-01-01T00:00:00.000Z", author: "ada", text: `text ${number}` }),
      edit: (number) => of(number, { op: "edit", text: "other" }),
      remove: (number) => of(number, { op: "remove", scope: "me" }),
      restore: (number) => of(number, { op: "restore" }),
      move: () => Effect.die("lines do not move"),
      flag: (number) => of(number, { op: "flags", flags: ["starred"] }),
      addUnreadable: attempt(() => fs.symlinkSync("/etc/hostname", join(root, "z.jsonl"))),
      makeReadable: attempt(() => {
        fs.unlinkSync(join(root, "z.jsonl"))
        fs.writeFileSync(join(root, "z.jsonl"), "{\"id\":\"z\"}\n")
      }),
      addOdd: attempt(() => {
        fs.writeFileSync(join(root, "odd.jsonl"), ODD.map((line) => `${line}\n`).join(""))
        return ODD.length
      }),
      addLarge: Effect.die("a line has a longest length"),
      touchFile: Effect.die("there are no other files"),
      fingerprint: attempt(() => fingerprint(root)),
      unplug: attempt(() => fs.renameSync(root, join(top, "elsewhere")))
    }
  })
)
