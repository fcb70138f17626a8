/** The one byte string an event may carry, whichever kind it is: what capture stores and a reader follows. */
import type { Content, Fact } from "./Event.ts"

export const contentOf = (fact: Fact): Content | undefined => {
  switch (fact.kind) {
    case "message.added":
    case "message.edited":
      return fact.message.content
    case "file.upsert":
    case "attachment.content":
      return fact.content
    default:
      return undefined
  }
}

/** The same with another content; itself where it has none. */
export const withContent = <F extends Fact>(fact: F, content: Content): F => {
  switch (fact.kind) {
    case "message.added":
    case "message.edited":
      return { ...fact, message: { ...fact.message, content } }
    case "file.upsert":
    case "attachment.content":
      return { ...fact, content }
    default:
      return fact
  }
}
