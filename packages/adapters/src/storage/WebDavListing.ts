/**
 * Reads the answer to a PROPFIND of depth 1 (RFC 4918, section 14.16) while it comes, so that a folder of any size is
 * read in the memory of what it holds. An answer that does not fit the question is an error, never a shorter listing.
 */
import { SaxesParser, type SaxesTagNS } from "saxes"
import { coded } from "./WebDavHttp.ts"

export interface DavEntry {
  /** Its last part, decoded; empty for the folder itself. */
  readonly name: string
  readonly kind: "file" | "folder"
  /** Bytes; absent of folders, and where the server does not say. */
  readonly size: number | undefined
  /** When it was last written by the server's clock, Unix milliseconds. */
  readonly modifiedMillis: number | undefined
}

export const PROPFIND_BODY = Buffer.from(
  `<?xml version="1.0" encoding="utf-8"?>\n<D:propfind xmlns:D="DAV:"><D:prop>` +
    `<D:resourcetype/><D:getcontentlength/><D:getlastmodified/></D:prop></D:propfind>\n`
)

interface Props {
  folder: boolean
  size?: string
  modified?: string
}

export interface ListingReader {
  readonly write: (chunk: Uint8Array) => void
  /** What was in it; throws unless it was whole. */
  readonly end: () => ReadonlyArray<DavEntry>
}

/** For the folder at this URL. */
export const makeListingReader = (folder: URL): ListingReader => {
  const parser = new SaxesParser({ xmlns: true })
  const decoder = new TextDecoder("utf-8", { fatal: true })
  const entries: Array<DavEntry> = []
  let open: Array<string> = []
  let text = ""
  let href = ""
  let gone = false
  let held: Props = { folder: false }
  let found: Props = { folder: false }
  let root = false

  parser.on("error", (error) => {
    throw coded("BADXML", error.message)
  })
  parser.on("opentag", (tag: SaxesTagNS) => {
    const name = tag.uri === "DAV:" ? tag.local : `{${tag.uri}}${tag.local}`
    open.push(name)
    text = ""
    if (open.length === 1) root = name === "multistatus"
    else if (name === "response") {
      href = ""
      gone = false
      held = { folder: false }
    } else if (name === "propstat") found = { folder: false }
    else if (name === "collection" && open.at(-2) === "resourcetype") found.folder = true
  })
  parser.on("text", (part) => {
    text += part
  })
  parser.on("closetag", () => {
    const name = open.pop()
    const parent = open.at(-1)
    const said = text.trim()
    text = ""
    if (parent === "response" && name === "href") href = said
    else if (parent === "response" && name === "status") gone = !isSuccess(said)
    else if (parent === "prop" && name === "getcontentlength") found.size = said
    else if (parent === "prop" && name === "getlastmodified") found.modified = said
    else if (parent === "propstat" && name === "status" && isSuccess(said)) held = { ...held, ...found }
    else if (parent === "multistatus" && name === "response" && !gone) entries.push(entryOf(folder, href, held))
  })

  return {
    write: (chunk) => {
      parser.write(decoder.decode(chunk, { stream: true }))
    },
    end: () => {
      parser.write(decoder.decode()).close()
      if (!root) throw coded("BADXML", "the answer is no multistatus")
      return entries
    }
  }
}

const isSuccess = (status: string) => /^HTTP\/\S+\s+2\d\d\b/.test(status)

const entryOf = (folder: URL, href: string, props: Props): DavEntry => {
  const name = nameIn(folder, href)
  const modified = Date.parse(props.modified ?? "")
  return {
    name,
    kind: props.folder ? "folder" : "file",
    size: !props.folder && props.size !== undefined && /^\d+$/.test(props.size) ? Number(props.size) : undefined,
    modifiedMillis: Number.isNaN(modified) ? undefined : modified
  }
}

/** A name of something right inside the folder; empty for the folder itself. */
const nameIn = (folder: URL, href: string): string => {
  const base = decodePath(folder.pathname)
  const path = decodePath(hrefPath(folder, href))
  if (path === base || `${path}/` === base) return ""
  const inner = path.startsWith(base) ? path.slice(base.length) : undefined
  const name = inner?.endsWith("/") === true ? inner.slice(0, -1) : inner
  if (name === undefined || name.includes("/")) throw coded("OTHERFOLDER", `asked for ${base}, got ${path}`)
  return name
}

const hrefPath = (folder: URL, href: string): string => {
  if (href === "") throw coded("BADXML", "a response has no href")
  // A name with two slashes at its front would be taken for a host.
  return href.startsWith("/") ? href : new URL(href, folder).pathname
}

const decodePath = (path: string): string => {
  try {
    return decodeURIComponent(path)
  } catch {
    // A stray percent sign of somebody else's file, written as it is.
    return path
  }
}
