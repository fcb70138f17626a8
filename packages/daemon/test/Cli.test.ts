import { assert, describe, it } from "@effect/vitest"
import { parse } from "@sealog/daemon/Cli"
import { understood } from "./support/Harness.ts"

const usage = (...words: ReadonlyArray<string>) => {
  const parsed = parse(words)
  if (parsed._tag !== "usage") throw new Error(`"${words.join(" ")}" was understood`)
  return parsed
}

const flags = (...words: ReadonlyArray<string>) => {
  const parsed = parse(words)
  if (parsed._tag !== "invocation") throw new Error(`"${words.join(" ")}" was not understood`)
  return parsed.invocation.flags
}

describe("Cli", () => {
  /** Verifies: CLI-1 */
  it("takes global flags before and after the command alike", () => {
    const globals = ["--home", "/h", "--json", "--quiet", "--verbose", "--no-color"]
    const expected = { home: "/h", json: true, quiet: true, verbose: true, color: false }
    assert.deepStrictEqual(flags(...globals, "status"), expected)
    assert.deepStrictEqual(flags("status", ...globals), expected)
    assert.deepStrictEqual(flags("--json", "drill", "--home", "/h", "history", ...globals.slice(3)), expected)
    assert.deepStrictEqual(flags("status"), { json: false, quiet: false, verbose: false, color: true })
  })

  it("takes a repeated flag every time, and its commas as they are", () => {
    const args = understood(
      "init",
      "--source",
      "maildir:/a,b",
      "--source",
      "jsonl:/c",
      "--target",
      "disk:/d",
      "--no-recovery-code"
    )
    assert.deepStrictEqual(args, {
      command: "init",
      sources: ["maildir:/a,b", "jsonl:/c"],
      targets: ["disk:/d"],
      allowWeakPassword: false,
      recoveryCode: "none"
    })
  })

  it("tells the recovery code to be written by init from the one to open with", () => {
    const made = parse(["init", "--source", "maildir:/a", "--target", "disk:/d", "--recovery-code-file", "/f"])
    const opened = parse(["sync", "--recovery-code-file", "/f"])
    assert.deepNestedInclude(made, { "invocation.arguments.recoveryCode": { file: "/f" } })
    assert.notDeepNestedInclude(made, { "invocation.flags.recoveryCodeFile": "/f" })
    assert.deepNestedInclude(opened, { "invocation.flags.recoveryCodeFile": "/f" })
  })

  it("reads depths, shares and delays", () => {
    assert.deepNestedInclude(understood("verify"), { depth: "names" })
    assert.deepNestedInclude(understood("verify", "--read-data"), { depth: "data" })
    assert.deepNestedInclude(understood("verify", "--sample", "2.5"), { depth: { samplePercent: 2.5 } })
    assert.deepNestedInclude(understood("drill"), { mode: "incremental" })
    assert.deepNestedInclude(understood("drill", "--full", "--target", "usb"), { mode: "full", target: "usb" })
    assert.deepStrictEqual(understood("drill", "verify", "r.json"), { command: "drill verify", file: "r.json" })
    assert.deepStrictEqual(understood("run", "--ship-delay", "0.5"), { command: "run", shipDelaySeconds: 0.5 })
  })

  it("reads a date as the first moment of that day where the machine is", () => {
    const args = understood("log", "--since", "2024-03-31", "--until", "2024-03-31T12:00:00+02:00")
    assert.deepNestedInclude(args, {
      sinceMillis: new Date(2024, 2, 31).getTime(),
      untilMillis: Date.UTC(2024, 2, 31, 10)
    })
  })

  /** Verifies: CLI-2 */
  it.each(
    [
      [["stauts"], /no command "stauts"/, /sealog status/],
      [["frobnicate", "x"], /no command "frobnicate"/, /sealog --help/],
      [["source", "lisst"], /no command "source lisst"/, /sealog source list/],
      [["drill", "histroy"], /too many arguments/, /sealog drill history/],
      [[], /no command was given/, /sealog --help/],
      [["source"], /no command was given/, /sealog source --help/],
      [["sync", "--shipdelay", "2"], /unknown option '--shipdelay'/, /--ship-delay/],
      [["sync", "--ship-delay"], /argument missing/, /sync --help/],
      [["sync", "--ship-delay", "-1"], /seconds, from 0/, /sync --help/],
      [["init", "--target", "disk:/d"], /'--source <spec>' not specified/, /init --help/],
      [
        ["init", "--source", "maildir:/a", "--target", "disk:/d", "--kdf-memory", "63"],
        /from 64 to 2048/,
        /init --help/
      ],
      [["restore", "--from", "disk:/d"], /'--to <dir>' not specified/, /restore --help/],
      [["restore", "--from", "disk:/d", "--to", ""], /must not be empty/, /restore --help/],
      [["verify", "--sample", "0"], /above 0/, /verify --help/],
      [["verify", "--sample", "101"], /above 0/, /verify --help/],
      [["verify", "--sample", "10", "--read-data"], /cannot be used with/, /verify --help/],
      [["drill", "--target", "usb", "--from", "disk:/d"], /cannot be used with/, /drill --help/],
      [["log", "--since", "2024-02-31"], /a date as/, /log --help/],
      [["log", "--since", "2023-02-29T00:00:00Z"], /a date as/, /log --help/],
      [["log", "--since", "yesterday"], /a date as/, /log --help/],
      [
        ["restore", "--from", "disk:/d", "--to", "x", "--expect-fingerprint", "12 a b"],
        /eight words/,
        /restore --help/
      ],
      [["status", "now"], /too many arguments/, /status --help/],
      [["service", "install"], /does not install it/, /--print/]
    ] as const
  )("refuses %j with what is wrong and what to do", (words, message, hint) => {
    const { error } = usage(...words)
    assert.match(error.message, message)
    assert.match(error.hint, hint)
    assert.notInclude(error.message, "\n")
    assert.notInclude(error.hint, "\n")
  })

  it("knows that JSON was asked for even on a line that does not parse", () => {
    assert.isTrue(usage("--json", "stauts").json)
    assert.isTrue(usage("sync", "--bogus", "--json").json)
    assert.isFalse(usage("stauts", "--", "--json").json)
  })

  it("prints help and the version as text, also for one command", () => {
    const help = parse(["--help"])
    const one = parse(["help", "restore"])
    const version = parse(["--version"])
    assert.deepNestedInclude(version, { _tag: "text" })
    assert.match(version._tag === "text" ? version.text : "", /^\d+\.\d+\.\d+\n$/)
    assert.include(help._tag === "text" ? help.text : "", "Exit codes:")
    assert.include(one._tag === "text" ? one.text : "", "--expect-fingerprint")
    assert.include(one._tag === "text" ? one.text : "", "--home <dir>")
  })

  it("takes words after -- as they are", () => {
    assert.deepStrictEqual(understood("source", "dump", "--", "jsonl:--json"), {
      command: "source dump",
      spec: "jsonl:--json"
    })
  })
})
