/**
 * What a folder of a Maildir is called in front of people. Names on disk are bytes; most are UTF-8 and stay as they
 * are, and of the rest no byte is lost.
 */
import { Buffer, isUtf8 } from "node:buffer"

/** The conversation of the mails in a folder: `INBOX` for the root, else its name without the one dot before it. */
export const conversationOfFolder = (folder: string): string =>
  folder === "" ? "INBOX" : textOfName(folder.startsWith(".") ? folder.slice(1) : folder)

/**
 * A name of one character a byte as text. UTF-8 is read as such; each byte that belongs to no UTF-8 sequence becomes
 * `%` and two capital hex digits.
 */
export const textOfName = (name: string): string => {
  if (isAscii(name)) return name
  const bytes = Buffer.from(name, "latin1")
  if (isUtf8(bytes)) return bytes.toString("utf8")
  let text = ""
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at)
    text += length === 0 ? `%${escaped(bytes[at]!)}` : bytes.toString("utf8", at, at + length)
    at += Math.max(length, 1)
  }
  return text
}

const isAscii = (name: string): boolean => {
  for (let index = 0; index < name.length; index++) if (name.charCodeAt(index) > 0x7f) return false
  return true
}

/** Bytes of the UTF-8 sequence that begins here; 0 for none. */
const sequenceLength = (bytes: Buffer, at: number): number => {
  const first = bytes[at]!
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}

const escaped = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, "0")
