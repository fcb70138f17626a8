/**
 * The entry of the program: the only place that provides layers and runs them.
 */
import { Command } from "commander"
import { version } from "@sealog/core"

await new Command("sealog")
  .description("Continuous, verifiable, encrypted backup of your messages")
  .version(version)
  .parseAsync()
