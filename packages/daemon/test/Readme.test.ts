/**
 * What README.md and docs/getting-started.md tell people to type: held against the real grammar and the real registry,
 * and the first backup of the README typed, for real.
 */
import { assert, describe, it } from "@effect/vitest"
import { parse } from "@sealog/daemon/Cli"
import { decode } from "@sealog/daemon/Config"
import { formats } from "@sealog/daemon/Registry"
import { parseAll } from "@sealog/daemon/Spec"
import { accessFrom } from "@sealog/daemon/TargetAccess"
import { Either } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { linux } from "./support/Harness.ts"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const pages = ["README.md", "docs/getting-started.md"] as const
const textOf = (page: string): string => fs.readFileSync(join(root, page), "utf8")

describe.each(pages)("%s", (page) => {
  /** Verifies: GUIDE-1 */
  it("gives only command lines that the program understands", () => {
    const lines = commandLinesIn(textOf(page))
    assert.isAbove(lines.length, 5)
    assert.deepStrictEqual(lines.flatMap(problemsOf), [])
  })

  /** Verifies: GUIDE-3 */
  it("names only scripts and files that are there", () => {
    const { scripts } = JSON.parse(textOf("package.json")) as { readonly scripts: Record<string, string> }
    const asked = [...textOf(page).matchAll(/(?:^|`)npm (?:run )?([a-z:]+)/gmu)].map(([, name = ""]) => name)
    const links = [...textOf(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/gu)].map(([, link = ""]) => link)
    assert.isAbove(asked.length, 0)
    assert.isAbove(links.length, 0)
    assert.deepStrictEqual(asked.filter((name) => !(name in scripts)), [])
    assert.deepStrictEqual(links.filter((link) => !fs.existsSync(join(root, dirname(page), link))), [])
  })
})

describe.each(["disk", "folder", "icloud"])("docs/targets/%s.md", (kind) => {
  /** Verifies: GUIDE-1 */
  it("gives only command lines that the program understands, and configurations that are read", () => {
    const page = textOf(`docs/targets/${kind}.md`)
    const lines = commandLinesIn(page)
    assert.isAtLeast(lines.length, 2)
    assert.deepStrictEqual(lines.flatMap(problemsOf), [])
    for (const [, entry = ""] of page.matchAll(/```toml\n([^`]+)```/gu)) {
      const text = `version = 1\nvault = "ab"\n[[source]]\nname = "m"\nspec = "maildir:/m"\n${entry}`
      const [target] = Either.getOrThrow(decode(text, "config.toml", linux)).targets
      assert.deepInclude(target, { kind, name: "usb", mount: "/media/ada/BACKUP" })
    }
  })
})

describe("docs/targets/webdav.md", () => {
  /** Verifies: GUIDE-1 */
  it("gives only command lines that the program understands", () => {
    const lines = commandLinesIn(textOf("docs/targets/webdav.md"))
    assert.isAtLeast(lines.length, 3)
    assert.deepStrictEqual(lines.flatMap(problemsOf), [])
  })

  /** Verifies: DAV-9 */
  it("shows a part of a configuration that is read, and the variables that are", () => {
    const page = textOf("docs/targets/webdav.md")
    const [, entry = ""] = /```toml\n([^`]+)```/u.exec(page) ?? []
    const text = `version = 1\nvault = "ab"\n[[source]]\nname = "m"\nspec = "maildir:/m"\n${entry}`
    const [target] = Either.getOrThrow(decode(text, "config.toml", linux)).targets
    assert.deepStrictEqual(target?.access, { user: "ada", passwordFile: "/home/ada/.nas-password" })
    const exported = [...page.matchAll(/^export (\w+)=(.*)$/gmu)].map(([, name = "", value = ""]) => [name, value])
    assert.deepStrictEqual(accessFrom("nas", { ...linux, environment: Object.fromEntries(exported) }), target?.access)
  })
})

describe("the check of command lines", () => {
  it("reads blocks and sentences, quotes, and what a shell does with the output", () => {
    const text =
      "Say `sealog run`, not `npm start`.\n\n```sh\n# sealog no\nnpx sealog sync --password-command \"a b\" > x\n" +
      "(umask 077 && sealog log | head)\ncat sealog\n```\n\n```\nsealog is a word here\n```\n"
    assert.deepStrictEqual(commandLinesIn(text), [
      ["sync", "--password-command", "a b"],
      ["log"],
      ["run"]
    ])
  })

  it("finds flags that are not there, and kinds and forms of later releases", () => {
    assert.lengthOf(problemsOf(["sync", "--fast"]), 1)
    assert.lengthOf(problemsOf(["search", "soup"]), 1)
    assert.lengthOf(problemsOf(["init", "--source", "signal:~/x", "--target", "s3:https://e/b"]), 2)
    assert.lengthOf(problemsOf(["restore", "--from", "disk:/d", "--to", "x", "--format", "html"]), 1)
    assert.deepStrictEqual(problemsOf(["restore", "--from", "disk:/d", "--to", "x", "--format", "maildir"]), [])
  })
})

describe("the first backup in the README", () => {
  const noShell = process.platform === "win32"
  if (noShell) console.log("skipped: the README's first backup is written for a POSIX shell")

  /** Verifies: GUIDE-2 */
  it.skipIf(noShell)("works as it is written, in six lines", { timeout: 120_000 }, () => {
    const lines = blockAfter(textOf("README.md"), "## A first backup")
    assert.lengthOf(lines, 6)
    const folder = fs.mkdtempSync(join(tmpdir(), "sealog-readme-"))
    try {
      const { out, status, text } = typeAll(lines, folder)
      assert.strictEqual(status, 0, text)
      for (const said of ["Everything is safe.", "The drill passed.", "Restored 24 messages"]) assert.include(out, said)
      const restored = fs.readdirSync(join(folder, "restored/maildir/.Garden/cur"))
      assert.lengthOf(restored, 7)
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })
})

/** Types the lines into a shell of someone whose mail is the samples, and whose password is in a file. */
const typeAll = (lines: ReadonlyArray<string>, folder: string) => {
  const mail = join(folder, "Maildir")
  fs.cpSync(join(root, "packages/daemon/samples/maildir"), mail, {
    recursive: true,
    filter: (path) => !path.endsWith(".gitkeep")
  })
  fs.mkdirSync(join(folder, "bin"))
  const program = join(root, "packages/daemon/bin/sealog.js")
  const npx = `#!/bin/sh\n[ "$1" = sealog ] || exit 99\nshift\nexec "${process.execPath}" "${program}" "$@"\n`
  fs.writeFileSync(join(folder, "bin/npx"), npx, { mode: 0o755 })
  fs.writeFileSync(join(folder, "password"), "leeks at one on sunday, says tom\n")
  const { SEALOG_HOME: _home, SEALOG_PASSWORD_COMMAND: _command, XDG_DATA_HOME: _data, ...environment } = process.env
  const { status, stderr, stdout } = spawnSync("/bin/sh", ["-e"], {
    input: lines.join("\n").replaceAll("/media/usb", join(folder, "usb")),
    encoding: "utf8",
    cwd: folder,
    env: {
      ...environment,
      HOME: folder,
      PATH: `${join(folder, "bin")}:${environment["PATH"] ?? ""}`,
      SEALOG_PASSWORD_FILE: join(folder, "password")
    }
  })
  return { status, out: stdout, text: `${stdout}\n${stderr}` }
}

/** What keeps a person from typing this: nothing, or why the program would refuse it. */
const problemsOf = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const parsed = parse(words)
  if (parsed._tag === "text") return []
  if (parsed._tag === "usage") return [`sealog ${words.join(" ")}: ${parsed.error.message}`]
  const args = parsed.invocation.arguments
  const specs = (role: "source" | "target", texts: ReadonlyArray<string>) =>
    texts.flatMap((text) =>
      Either.match(parseAll(role, [text], linux), { onLeft: ({ message }) => [message], onRight: () => [] })
    )
  switch (args.command) {
    case "init":
      return [...specs("source", args.sources), ...specs("target", args.targets)]
    case "restore":
      return [...specs("target", args.from), ...(formats[args.format] === "now" ? [] : [`--format ${args.format}`])]
    case "source dump":
      return specs("source", [args.spec])
    default:
      return []
  }
}

/** The arguments of every command line of sealog: those of shell blocks first, then those in sentences. */
const commandLinesIn = (text: string): ReadonlyArray<ReadonlyArray<string>> => {
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gmsu)].map(([, block = ""]) => block)
  const prose = text.replaceAll(/^```.*?^```$/gmsu, "")
  const inProse = [...prose.matchAll(/`((?:npx )?sealog [^`]+)`/gu)].map(([, line = ""]) => line)
  return [...blocks.flatMap((block) => block.split("\n")), ...inProse]
    .map((line) => line.replace(/^\s*#.*/u, ""))
    .flatMap((line) => line.split(/&&|\||;/u))
    .map((line) => /^[\s(]*(?:npx )?sealog (.*)$/u.exec(line)?.[1])
    .filter((line) => line !== undefined)
    .map(wordsOf)
}

/** As a shell splits them, up to where the output goes or a subshell ends. */
const wordsOf = (line: string): ReadonlyArray<string> =>
  [...line.replace(/\s(?:>|\)).*$|\)$/u, "").matchAll(/"([^"]*)"|[^\s"]+/gu)].map(([word, quoted]) => quoted ?? word)

/** The lines of the first shell block after a heading. */
const blockAfter = (text: string, heading: string): ReadonlyArray<string> => {
  const [, block = ""] = /^```sh\n(.*?)^```$/msu.exec(text.slice(text.indexOf(`\n${heading}\n`))) ?? []
  return block.split("\n").filter((line) => line !== "")
}
