/** Events in, canonical lines out: the whole way in memory, for tests and vectors. */
import * as Archive from "@sealog/core/message/Archive"
import { canonicalOf, compareKey, conversationsOf, line } from "@sealog/core/message/Canonical"
import type { Recorded } from "./Histories.ts"

export const linesOf = (
  events: ReadonlyArray<Recorded>,
  options: { readonly withDeleted?: boolean } = {}
): ReadonlyArray<string> => {
  const archive = Archive.empty()
  for (const { event, position } of events) Archive.apply(archive, event, position)
  return [...Archive.messages(archive, options)]
    .flatMap((state) =>
      conversationsOf(state.conversation, state.message).map((name) => canonicalOf(state.source, name, state))
    )
    .map((canonical) => ({ key: compareKey(canonical), text: line(canonical) }))
    .toSorted((left, right) => Buffer.compare(left.key, right.key))
    .map(({ text }) => text)
}
