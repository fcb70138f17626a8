/**
 * The entry of the program: it reads the arguments, and loads and runs what they ask for. Help, the version and a
 * mistyped flag are answered before anything else is loaded.
 */
import { parse } from "./Cli.ts"
import { Exit } from "./Exit.ts"
import { keepHeapSmall } from "./Heap.ts"
import { trouble } from "./present/Trouble.ts"

const noColour = (process.env["NO_COLOR"] ?? "") !== ""
const parsed = parse(process.argv.slice(2), noColour)

switch (parsed._tag) {
  case "text":
    process.stdout.write(parsed.text)
    break
  case "usage": {
    const { error, help, json } = parsed
    const failure = { exit: Exit.usage, reason: "Usage", message: error.message, hint: error.hint }
    if (help !== undefined && !json) process.stderr.write(`${help}\n`)
    process.stderr.write(trouble(failure, { json, colours: process.stderr.isTTY && !noColour }))
    process.exitCode = Exit.usage
    break
  }
  case "invocation": {
    keepHeapSmall()
    const { start } = await import("./Program.ts")
    // What may be left open, a thread or a watcher, is not waited for: everything that matters was.
    process.exit(await start(parsed.invocation))
  }
}
