/**
 * Which names a place accepts. They come from a vault's own naming and are checked all the same before one becomes a
 * path or a URL, so that no name, whoever made it, can reach outside the vault.
 */
import { Effect } from "effect"
import { NAME_CHARS } from "../format/Limits.ts"
import { StorageError } from "./Storage.ts"

/** The one object whose name people read. */
export const READABLE_NAME = "sealog.json"

/** Splits `folder/letters` into its two parts; the folder of `sealog.json` is empty. Else Unsupported. */
export const parseObjectName = (
  method: string,
  name: string
): Effect.Effect<{ readonly folder: string; readonly base: string }, StorageError> => {
  if (name === READABLE_NAME) return Effect.succeed({ folder: "", base: name })
  const slash = name.indexOf("/")
  return isObject(name)
    ? Effect.succeed({ folder: name.slice(0, slash), base: name.slice(slash + 1) })
    : new StorageError({ reason: "Unsupported", method, subject: JSON.stringify(name), retryable: false })
}

/** Whether this is the name of an object. */
export const isObject = (name: string): boolean => {
  if (name === READABLE_NAME) return true
  const slash = name.indexOf("/")
  const folder = name.slice(0, Math.max(0, slash))
  return part.test(folder) && part.test(name.slice(slash + 1)) && folder !== TEMPORARY_FOLDER
}

/** Whether a listing may begin with this: part of a name, and nothing that leads out of the vault. */
export const isPrefix = (prefix: string): boolean => /^(?:[a-z2-7]+\/)?[a-z2-7.]*$/.test(prefix)

/** What tells vaults in one place apart, before the names of their folders (`storage/wrappers/Prefix`). */
export const PREFIX = /^[a-z2-6]{1,20}$/

/** Where unfinished objects are; no object is ever in it. */
export const TEMPORARY_FOLDER = "tmp"

const part = new RegExp(`^[a-z2-7]{1,${NAME_CHARS}}$`)
