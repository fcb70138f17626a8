#!/usr/bin/env node
import { existsSync } from "node:fs"

const program = new URL("../dist/bundle/sealog.js", import.meta.url)

if (existsSync(program)) {
  await import(program.href)
} else {
  console.error("sealog is not built yet: run `npm run build` at the top of the repository")
  process.exitCode = 1
}
