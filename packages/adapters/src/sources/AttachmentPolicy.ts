/** Which attachments of a store are taken: `all`, `none`, or `under:SIZE`, as `under:20MB`. */

/** Files below so many bytes are taken: 0 for none, Infinity for all. */
export type AttachmentPolicy = number

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30
}

/** `undefined` where it is none of the words. */
export const parseAttachmentPolicy = (text: string): AttachmentPolicy | undefined => {
  if (text === "all") return Number.POSITIVE_INFINITY
  if (text === "none") return 0
  const [, count, unit] = /^under:(\d{1,12}(?:\.\d{1,3})?) ?([a-z]{0,3})$/iu.exec(text) ?? []
  const factor = UNITS[unit?.toLowerCase() ?? ""]
  if (count === undefined || factor === undefined) return undefined
  const bytes = Math.floor(Number(count) * factor)
  return bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER ? bytes : undefined
}
