/**
 * The sealog program as a library: what the command line is made of, without running it.
 */
export { version } from "@sealog/core"
