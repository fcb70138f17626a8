/**
 * From the words of a command line to an `Invocation`, or to what was wrong with them. Nothing here needs Effect or
 * touches the world, so that `sealog --version` and a mistyped flag answer at once; what a command does is loaded
 * after it is understood.
 */
import { type Command, CommanderError } from "commander"
import type { Arguments, GlobalFlags, Invocation } from "./Arguments.ts"
import { makeGrammar } from "./Grammar.ts"
import { UsageError } from "./Usage.ts"

export type Parsed =
  | { readonly _tag: "invocation"; readonly invocation: Invocation }
  /** Help or the version: to be printed, and done. */
  | { readonly _tag: "text"; readonly text: string }
  | { readonly _tag: "usage"; readonly error: UsageError; readonly json: boolean; readonly help: string | undefined }

/** Reads the words after the program's name. */
export const parse = (words: ReadonlyArray<string>, noColourWanted = false): Parsed => {
  let found: { readonly arguments: Arguments; readonly recoveryCodeFile?: string } | undefined
  let printed = ""
  const program = makeGrammar({
    found: (what) => {
      found = what
    },
    print: (text) => {
      printed += text
    }
  })
  try {
    program.parse([...words], { from: "user" })
  } catch (error) {
    if (error instanceof UsageError) return { _tag: "usage", error, json: wantsJson(words), help: undefined }
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { _tag: "text", text: printed }
    return { _tag: "usage", json: wantsJson(words), ...explain(error, words, program, printed) }
  }
  if (found === undefined) throw new RangeError("a command line was understood, and no command came of it")
  const { recoveryCodeFile } = found
  const flags: GlobalFlags = {
    ...withDefaults(program.opts<Partial<GlobalFlags>>(), noColourWanted),
    ...(recoveryCodeFile === undefined ? {} : { recoveryCodeFile })
  }
  return { _tag: "invocation", invocation: { flags, arguments: found.arguments } }
}

const withDefaults = (given: Partial<GlobalFlags>, noColourWanted: boolean): GlobalFlags => ({
  ...given,
  json: given.json === true,
  quiet: given.quiet === true,
  verbose: given.verbose === true,
  color: given.color !== false && !noColourWanted
})

/** Even a line that does not parse gets its error in the form it asks for. */
const wantsJson = (words: ReadonlyArray<string>): boolean => {
  const end = words.indexOf("--")
  return (end < 0 ? words : words.slice(0, end)).includes("--json")
}

const explain = (error: CommanderError, words: ReadonlyArray<string>, program: Command, help: string) => {
  if (error.code === "commander.help") {
    const of = help.match(/^Usage: sealog((?: [a-z]+)*)/u)?.[1]?.trim()
    const group = of === undefined || of === "" ? "sealog --help" : `sealog ${of} --help`
    return { error: new UsageError("no command was given", `see what there is: ${group}`), help }
  }
  if (error.code === "commander.excessArguments") return { error: tooMany(error, words, program), help: undefined }
  const [said = "", ...rest] = error.message.replace(/^error: /u, "").split("\n")
  const meant = /Did you mean (?:one of )?(.+)\?\)/su.exec(rest.join(" "))?.[1]
  const group = groupOf(words, program)
  const message = sentence(said, group)
  const isCommand = error.code === "commander.unknownCommand"
  const prefix = isCommand ? `sealog ${group === "" ? "" : `${group} `}` : ""
  const hint = meant === undefined
    ? `see what there is: sealog ${group === "" ? "" : `${group} `}--help`
    : `did you mean ${prefix}${meant}?`
  return { error: new UsageError(message, hint), help: undefined }
}

/** A word too many where a command has commands of its own is most likely one of them, mistyped. */
const tooMany = (error: CommanderError, words: ReadonlyArray<string>, program: Command): UsageError => {
  const group = groupOf(words, program)
  const inner = group.split(" ").reduce<Command | undefined>(
    (at, name) => at?.commands.find((command) => command.name() === name),
    program
  )
  const names = inner?.commands.map((command) => `sealog ${group} ${command.name()}`) ?? []
  const said = error.message.replace(/^error: /u, "")
  if (names.length === 0) return new UsageError(said, `see what there is: sealog ${group} --help`)
  return new UsageError(said, `did you mean ${names.join(" or ")}?`)
}

const sentence = (said: string, group: string): string => {
  const unknown = /^unknown command '(.*)'$/su.exec(said)
  if (unknown !== null) return `there is no command "${group === "" ? "" : `${group} `}${unknown[1]}"`
  return said.replace(/ argument '(.*)' is invalid\. It/su, " cannot be '$1': it").replace(/\.$/u, "")
}

/** The command the words name, as far as there is one. */
const groupOf = (words: ReadonlyArray<string>, program: Command): string => {
  const names: Array<string> = []
  let at: Command | undefined = program
  for (const word of words) {
    const next: Command | undefined = at.commands.find((command) => command.name() === word)
    if (next === undefined) continue
    names.push(word)
    at = next
  }
  return names.join(" ")
}
