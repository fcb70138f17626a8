/**
 * What a mail says, worked out from its bytes for people to read: subject, addresses, text, attachments. It adds to
 * the canonical form and decides nothing: a mail that cannot be parsed is restored all the same, with less to show.
 * The same bytes give the same fields on every machine, whatever its time zone or language.
 */
import { Data, Effect } from "effect"
import PostalMime, { type Address, type Email } from "postal-mime"
import type { Derived } from "./Canonical.ts"
import type { Attachment } from "./Event.ts"

/** The fields of a mail: of its whole, or of its header where the whole cannot be parsed, or none. Never fails. */
export const derive: (raw: Uint8Array) => Effect.Effect<Derived> = Effect.fn("MailText.derive")(
  function*(raw: Uint8Array) {
    const whole = parse(raw).pipe(Effect.map(fieldsOf))
    const header = parse(headerOf(raw)).pipe(Effect.map((email) => fieldsOf({ ...email, attachments: [] })))
    return yield* whole.pipe(
      // Nothing is hidden: the mail's own bytes are what counts, and they are there.
      Effect.orElse(() => header),
      Effect.orElseSucceed((): Derived => ({}))
    )
  }
)

/** Why a mail, or its header, gives no fields; never leaves this module. */
class MailTextError extends Data.TaggedError("MailTextError")<{ readonly cause: unknown }> {}

const parse = (raw: Uint8Array): Effect.Effect<Email, MailTextError> =>
  Effect.tryPromise({
    try: () => PostalMime.parse(raw, { maxNestingDepth: NESTING, maxHeadersSize: HEADERS_BYTES }),
    catch: (cause) => new MailTextError({ cause })
  })

const fieldsOf = (email: Email): Derived => {
  const to = addressesOf(email.to)
  const cc = addressesOf(email.cc)
  const bcc = addressesOf(email.bcc)
  const author = addressesOf(email.from === undefined ? undefined : [email.from])[0]
  const subject = clean(email.subject)
  const text = clean(email.text?.replaceAll("\r\n", "\n"))
  const html = clean(email.html)
  const replyTo = idsOf(email.inReplyTo)[0]
  const threadRoot = idsOf(email.references)[0] ?? replyTo
  return {
    ...(subject === undefined ? {} : { subject }),
    ...(author === undefined ? {} : { author }),
    ...(to.length === 0 ? {} : { to }),
    ...(cc.length === 0 ? {} : { cc }),
    ...(bcc.length === 0 ? {} : { bcc }),
    ...(text === undefined ? {} : { text }),
    // Where there is text, the HTML says the same at many times the length.
    ...(text !== undefined || html === undefined ? {} : { parts: [{ mime: "text/html", text: html }] }),
    ...(email.attachments.length === 0 ? {} : { attachments: email.attachments.map(attachmentOf) }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(threadRoot === undefined ? {} : { threadRoot })
  }
}

/** Attachments of a mail have no name of their own but their place in it. */
const attachmentOf = (attachment: Email["attachments"][number], index: number): Attachment => {
  const name = clean(attachment.filename ?? undefined)
  const mime = clean(attachment.mimeType)
  const { content } = attachment
  return {
    id: String(index + 1),
    ...(name === undefined ? {} : { name }),
    ...(mime === undefined ? {} : { mime }),
    size: typeof content === "string" ? content.length : content.byteLength
  }
}

/** `Name <address>`, or whichever of both there is; groups are their members. */
const addressesOf = (addresses: ReadonlyArray<Address> | undefined): ReadonlyArray<string> =>
  (addresses ?? []).flatMap((entry) => entry.group ?? [entry]).flatMap(({ address, name }) => {
    const shown = clean(name) === undefined ? address : address ? `${name} <${address}>` : name
    return clean(shown) ?? []
  })

/** The Message-IDs in a header field. */
const idsOf = (value: string | undefined): ReadonlyArray<string> => value?.match(/<[^<>\s]+>/g) ?? []

/** Text that can be stored: half characters, which broken encodings can leave, replaced; nothing is `undefined`. */
const clean = (value: string | undefined): string | undefined =>
  value === undefined || value === "" ? undefined : value.replace(/\p{Surrogate}/gu, "\ufffd")

/** The bytes up to the first empty line. */
const headerOf = (raw: Uint8Array): Uint8Array => {
  const limit = Math.min(raw.length, HEADERS_BYTES / 4)
  for (let at = 0; at < limit; at++) {
    if (raw[at] !== LF) continue
    if (raw[at + 1] === LF || (raw[at + 1] === CR && raw[at + 2] === LF)) return raw.subarray(0, at + 1)
  }
  return raw.subarray(0, limit)
}

const LF = 10
const CR = 13
/** Multiparts within multiparts: deeper ones are attacks on parsers. */
const NESTING = 64
/** All headers of a mail and its parts, bytes. */
const HEADERS_BYTES = 2 * 1024 * 1024
