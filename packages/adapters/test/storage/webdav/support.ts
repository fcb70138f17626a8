/** What tests of the WebDAV target share: which servers are here, and a new vault at one of them. */
import { makeWebDav, prepareWebDav, type WebDavOptions } from "@sealog/adapters/storage/WebDav"
import { type DavServerName, missingDavServer, startDavServer } from "@sealog/adapters/testing/DavServers"
import type { StorageShape } from "@sealog/core/backup/Storage"
import { Effect } from "effect"
import { it } from "vitest"

const all: ReadonlyArray<DavServerName> = ["apache", "nginx", "lighttpd", "rclone"]

/** The servers among these that can be started here. On the build machine all must be; elsewhere it is said which not. */
export const davServers = (
  what: string,
  wanted: ReadonlyArray<DavServerName> = all
): ReadonlyArray<DavServerName> =>
  wanted.filter((name) => {
    const missing = missingDavServer(name)
    if (missing === undefined) return true
    it.skipIf(process.env["CI"] !== "true")(`${what} at ${name}: ${missing}`, () => {
      throw new Error(missing)
    })
    return false
  })

const VAULT_PATH = "my%20backups/vault"

const makeVault = (name: DavServerName) =>
  Effect.gen(function*() {
    const server = yield* startDavServer(name)
    const options: WebDavOptions = { url: `${server.url}${VAULT_PATH}` }
    yield* prepareWebDav(options)
    const storage = yield* makeWebDav(options)
    freshVault.current = storage
    return storage
  })

/** A new vault at a server of its own; and the one that was made last, for what looks into it from outside. */
export const freshVault: {
  current: StorageShape | undefined
  readonly make: typeof makeVault
} = { current: undefined, make: makeVault }
