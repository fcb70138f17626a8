/** The parts of a message, where it says more than one text: stretches of its text with what people see in them. */
import type { Value } from "@sealog/core/message/Event"
import { ATTACHMENT, type AttributedText, PART } from "./AttributedText.ts"

/** What a part is called here, by what the store calls it; the rest is how Messages found links and dates in it. */
const NAMES: Readonly<Record<string, string>> = {
  [PART]: "part",
  [ATTACHMENT]: "attachment",
  IMAudioTranscription: "transcription",
  __kIMLinkAttributeName: "link",
  __kIMMentionConfirmedMention: "mention",
  __kIMTextBoldAttributeName: "bold",
  __kIMTextEffectAttributeName: "effect",
  __kIMTextItalicAttributeName: "italic",
  __kIMTextStrikethroughAttributeName: "strikethrough",
  __kIMTextUnderlineAttributeName: "underline"
}

/** `undefined` where they say no more than the text does. */
export const partsOf = ({ stretches, text }: AttributedText): ReadonlyArray<Value> | undefined => {
  const parts = stretches.map(({ attributes, length, start }) => {
    const part: Record<string, Value> = { start, length }
    for (const [name, value] of Object.entries(attributes)) {
      const known = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
      if (known !== undefined) part[known] = value
    }
    return part
  })
  const [only] = parts
  const isPlain = parts.length === 1 && only!["part"] === 0 && only!["length"] === text.length
    && Object.keys(only!).length === PLAIN_NAMES
  return parts.length === 0 || isPlain ? undefined : parts
}

/** Start, length and the number of the part. */
const PLAIN_NAMES = 3
