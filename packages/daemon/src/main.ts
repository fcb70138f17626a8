/**
 * The entry of the program: the only place that provides layers and runs them.
 */
import { version } from "@sealog/core"
import { Command } from "commander"

await new Command("sealog")
  .description("Continuous, verifiable, encrypted backup of your messages")
  .version(version)
  .parseAsync()
