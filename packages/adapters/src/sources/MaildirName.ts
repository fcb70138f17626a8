/**
 * What the name of a file in a Maildir says: the base, by which a message stays the same when its flags change, and
 * the flags. Names are bytes here, one character a byte; only a key has them as text.
 */
import type { Place } from "@sealog/core/message/Event"
import { conversationOfFolder, textOfName } from "@sealog/core/message/MailFolder"

export type Sub = Place["sub"]

/** The name up to the last `:2,`, or `;2,` where a colon may not stand in a name. */
export const baseOf = (name: string): string => {
  const info = infoAt(name)
  return info === -1 ? name : name.slice(0, info)
}

/** The flag letters of every place: sorted, each once. Letters a to z are a mail server's keywords and stay letters. */
export const flagsOf = (places: ReadonlyArray<{ readonly name: string }>): Array<string> => {
  const letters = new Set<string>()
  for (const { name } of places) {
    const info = infoAt(name)
    if (info === -1) continue
    for (const letter of name.slice(info + INFO_LENGTH)) if (LETTER.test(letter)) letters.add(letter)
  }
  return [...letters].toSorted()
}

/** The identity of a message: its base name and its bytes. */
export const keyOf = (base: string, sha256: Uint8Array): string =>
  `${textOfName(base)}#${Buffer.from(sha256).toString("base64url")}`

/** The base name in a key, as text. */
export const baseTextOfKey = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf("#")))

/** The folder within the store, or the folder's `new` or `cur`, as a relative path. */
export const join = (folder: string, name: string): string => folder === "" ? name : `${folder}/${name}`

export const pathOfPlace = ({ folder, sub, name }: Pick<Place, "folder" | "sub" | "name">): string =>
  `${join(folder, sub)}/${name}`

/** One order of places everywhere, so that two lists of the same places are the same list. */
export const sortPlaces = (places: ReadonlyArray<Place>): Array<Place> => {
  if (places.length < 2) return [...places]
  const byPath = new Map(places.map((place) => [pathOfPlace(place), place]))
  return [...byPath].toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0).map(([, place]) => place)
}

export const samePlaces = (a: ReadonlyArray<Place>, b: ReadonlyArray<Place>): boolean =>
  a.length === b.length
  && a.every((place, index) => {
    const other = b[index]!
    return place.name === other.name && place.folder === other.folder && place.sub === other.sub
      && BigInt(place.mtimeNs) === BigInt(other.mtimeNs)
  })

/** A message lies in the conversation of the first of its places. */
export const conversationOf = (places: ReadonlyArray<Place>): string =>
  places[0] === undefined ? "" : conversationOfFolder(places[0].folder)

const INFO_LENGTH = 3
const LETTER = /^[A-Za-z]$/

const infoAt = (name: string): number => Math.max(name.lastIndexOf(":2,"), name.lastIndexOf(";2,"))
