/**
 * What a message was before: Messages keeps every version of each part of an edited message, and which parts were
 * taken back, in `message_summary_info`.
 */
import type { Value } from "@sealog/core/message/Event"
import { readAttributedText } from "./AttributedText.ts"
import { readBinaryPlist } from "./BinaryPlist.ts"
import { EPOCH_MILLIS } from "./Dates.ts"
import { partsOf } from "./Parts.ts"

export interface Edits {
  /** Earlier versions of parts, oldest first. */
  readonly history: ReadonlyArray<Value>
  /** Numbers of the parts that were taken back. */
  readonly unsent: ReadonlyArray<number>
  /** Where the store says something of the message that is not understood here. */
  readonly isStrange: boolean
}

type Map = { readonly [name: string]: Value }

/** Whose meaning is known, those that only say how Messages shows a message among them. */
const KNOWN = new Set(["amc", "ec", "ep", "euh", "otr", "rp", "ust"])

/** Throws where it cannot be read. */
export const readEdits = (summary: Uint8Array): Edits => {
  const map = mapIn(readBinaryPlist(summary))
  const history: Array<Value & { readonly at?: number }> = []
  for (const [part, versions] of Object.entries(mapIn(map["ec"] ?? {}))) {
    // The last one is what the part says now.
    for (const version of listIn(versions).slice(0, -1)) history.push(versionOf(Number(part), mapIn(version)))
  }
  return {
    history: history.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0)),
    unsent: listIn(map["rp"] ?? []).filter((one) => typeof one === "number"),
    isStrange: Object.keys(map).some((name) => !KNOWN.has(name))
  }
}

const versionOf = (part: number, { d, t }: Map) => {
  const body = t instanceof Uint8Array ? readAttributedText(t) : undefined
  const parts = body === undefined ? undefined : partsOf(body)
  return {
    part,
    ...(typeof d === "number" ? { at: EPOCH_MILLIS + Math.round(d * 1_000) } : {}),
    ...(body === undefined ? {} : { text: body.text }),
    ...(parts === undefined ? {} : { parts })
  }
}

const mapIn = (value: Value): Map => {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw new Error("a list of versions that is none")
  }
  return value as Map
}

const listIn = (value: Value): ReadonlyArray<Value> => {
  if (!Array.isArray(value)) throw new Error("versions that are no list")
  return value as ReadonlyArray<Value>
}
