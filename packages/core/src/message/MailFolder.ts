/**
 * How the folders and file names of a mail store, which are bytes, become text: for keys, conversations and messages
 * to people. Sources and projections must agree on it, so it stands here.
 */
import { Buffer, isUtf8 } from "node:buffer"

/** The name of the top folder, as IMAP has it. */
export const INBOX = "INBOX"

/**
 * A name of bytes (one character each) as text: UTF-8 where it is that; bytes that are not become `%FF`. What only
 * looks like such an escape has its `%` escaped, so different names stay different.
 */
export const textOfName = (name: string): string => {
  if (PLAIN.test(name)) return name
  const bytes = Buffer.from(name, "latin1")
  if (isUtf8(bytes)) return escapeLookalikes(bytes.toString("utf8"))
  let text = ""
  let start = 0
  while (start < bytes.length) {
    const length = sequenceLength(bytes, start)
    const piece = bytes.subarray(start, start + Math.max(length, 1))
    text += length === 0 ? `%${piece.toString("hex").toUpperCase()}` : lookalike(bytes, start) ? "%25" : piece.toString("utf8")
    start += piece.length
  }
  return text
}

/** The conversation that a mail in a folder belongs to: the folder, without the dot of Maildir++. */
export const conversationOfFolder = (folder: string): string => {
  if (folder === "") return INBOX
  return textOfName(folder.startsWith(".") ? folder.slice(1) : folder)
}

/** Nothing to decode and nothing to escape: most names. */
const PLAIN = /^[\u0000-\u0024\u0026-\u007f]*$/
const LOOKALIKE = /%(?=[0-9A-F]{2})/g

const escapeLookalikes = (text: string): string => text.replace(LOOKALIKE, "%25")

const lookalike = (bytes: Buffer, at: number): boolean =>
  bytes[at] === 0x25 && /^%[0-9A-F]{2}/.test(bytes.subarray(at, at + 3).toString("latin1"))

/** Bytes of the valid UTF-8 sequence that begins here; 0 where there is none. */
const sequenceLength = (bytes: Buffer, at: number): number => {
  const lead = bytes[at]!
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}
