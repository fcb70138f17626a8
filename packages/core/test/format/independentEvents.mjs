/**
 * The forms and the events of the format (sections 3 and 6 of `docs/format.md`), read by what the document says and
 * nothing else. Beside `independentReader.mjs`.
 */
// Section 9, as far as it is about events.
const MAX = { event: 262144, inline: 131072, part: 16777216, parts: 131072, depth: 32, entries: 65536 }

/** `unknown`: of a newer program. `damage`: everything else. */
export class Refused extends Error {
  constructor(reason, what) {
    super(`${reason}: ${what}`)
    this.reason = reason
  }
}
export const damage = (what) => {
  throw new Refused("damage", what)
}
export const unknown = (what) => {
  throw new Refused("unknown", what)
}
export const must = (condition, what) => condition || damage(what)

// Section 3.
export const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

export class Bytes {
  constructor(bytes) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = 0
  }
  take(length) {
    must(length <= this.bytes.length - this.at, "ends too early")
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }
  get left() {
    return this.bytes.length - this.at
  }
  u8 = () => this.take(1)[0]
  u32 = () => this.take(4).readUInt32BE()
  u48 = () => this.take(6).readUIntBE(0, 6)
  i64 = () => safe(this.take(8).readBigInt64BE())
  leb() {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.u8()
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return must(byte > 0 || shift === 0n, "a longer number than needed") && value
    }
    return damage("a number too long")
  }
  size(limit = Number.MAX_SAFE_INTEGER) {
    const value = this.leb()
    must(value <= BigInt(limit), "a size over its limit")
    return Number(value)
  }
  int() {
    const value = this.leb()
    must(value < 1n << 64n, "an integer over 64 bits")
    return value & 1n ? -((value + 1n) >> 1n) : value >> 1n
  }
  text(limit = MAX.event) {
    const bytes = this.take(this.size(limit))
    try {
      return utf8.decode(bytes)
    } catch {
      return damage("no UTF-8")
    }
  }
  zeros = () => must(this.take(this.left).every((byte) => byte === 0), "padding that is not zeros")
  end = () => must(this.left === 0, "bytes left over")
}
const safe = (value) => must(value > -(2n ** 53n) && value < 2n ** 53n, "a time too far") && Number(value)

// Section 6.
const struct = (text) =>
  text.split(", ").filter((field) => field !== "").map((field) => {
    const [number, name, type] = field.split(" ")
    return { number: Number(number), name: name.replace("?", ""), required: !name.endsWith("?"), type }
  })
const choices = (text) => ["", ...text.split(" ")]
const CHOICES = {
  quality: choices("exact second minute local unknown"),
  direction: choices("in out unknown"),
  scope: choices("everyone me admin expired vanished recoverable"),
  sub: choices("new cur")
}
const HEAD = "1 writer 8, 2 size size, 3 root 32"
const STRUCTS = {
  place: struct("1 folder name, 2 sub sub, 3 name name, 4 mtimeNs int"),
  attachment: struct("1 id text, 2 name? text, 3 mime? text, 4 size? int, 5 extra? value"),
  reaction: struct("1 author text, 2 emoji text"),
  raw: struct("1 format text, 2 bytes bytes"),
  head: struct(HEAD),
  message: struct(
    "1 key text, 2 at? time, 3 atQuality? quality, 4 author? text, 5 direction? direction, 6 type text, "
      + "7 sourceType? text, 8 service? text, 9 subject? text, 10 text? text, 11 parts? value*, "
      + "12 attachments? attachment*, 13 replyTo? text, 14 threadRoot? text, 15 history? value*, 16 flags? words, "
      + "17 reactions? reaction*, 18 places? place*, 19 content? content, 20 raw? raw, 21 extra? value"
  )
}
const ABOUT = "1 key text, 2 origin? size"
const REACTION = `${ABOUT}, 3 part? text, 4 author text, 5 emoji text, 6 when? time`
const KINDS = [
  ["account.seen", "1 account text, 2 name? text, 3 extra? value"],
  ["participant.upsert", "1 participant text, 2 name? text, 3 addresses? text*, 4 extra? value"],
  ["chat.upsert", "1 title? text, 2 type? text, 3 folder? name, 4 extra? value"],
  ["chat.members", "1 members text*"],
  ["chat.removed", "1 folder? name"],
  ["message.added", "1 message message"],
  ["message.edited", "1 message message, 2 origin? size"],
  ["message.removed", `${ABOUT}, 3 scope scope, 4 by? text, 5 when? time`],
  ["message.restored", `${ABOUT}, 3 flags? words, 4 places? place*`],
  ["message.flags", `${ABOUT}, 3 flags? words, 4 places? place*`],
  ["reaction.added", REACTION],
  ["reaction.removed", REACTION],
  ["reaction.snapshot", `${ABOUT}, 3 reactions value`],
  ["receipt.changed", `${ABOUT}, 3 receipt text, 4 by? text, 5 when? time`],
  ["poll.vote", `${ABOUT}, 3 author text, 4 vote value`],
  ["attachment.seen", `${ABOUT}, 3 attachment attachment`],
  ["attachment.content", `${ABOUT}, 3 attachment text, 4 content content`],
  ["attachment.missing", `${ABOUT}, 3 attachment text, 4 reason text`],
  ["file.upsert", "1 path name, 2 mtimeNs int, 3 content content"],
  ["file.removed", "1 path name"],
  ["source.checkpoint", "1 counts value, 2 cursor? bytes"],
  ["source.gap", "1 subject text, 2 reason text, 3 closed? flag"],
  ["source.schema", "1 store text, 2 version text, 3 extra? value"],
  ["witness", `${HEAD}, 4 target? text`],
  ["keys.changed", "1 epoch size, 2 slots 32*, 3 heads head*"],
  ["log.continues", HEAD],
  ["log.replaces", HEAD]
].map(([kind, fields]) => ({ kind, fields: struct(fields) }))
const classOf = (kind) => kind >= 21 ? 0 : kind === 6 || kind === 17 || kind === 19 ? 2 : 1

const readFields = (r, fields) => {
  const value = {}
  let last = 0
  for (let number = r.u8(); number !== 0; number = r.u8()) {
    const field = fields.find((each) => each.number === number) ?? unknown(`field ${number}`)
    must(number > last, "fields out of order")
    value[field.name] = readType(r, field.type)
    last = number
  }
  for (const { name, required } of fields) must(!required || name in value, `without ${name}`)
  return value
}

const readList = (r, read, limit = MAX.entries) =>
  Array.from({ length: Math.min(r.size(limit), r.left + 1) }, () => read())
export const ascending = (items) =>
  must(items.every((item, n) => n === 0 || Buffer.compare(Buffer.from(items[n - 1]), Buffer.from(item)) < 0), "order")

const readType = (r, type) => {
  if (type.endsWith("*")) return readList(r, () => readType(r, type.slice(0, -1)))
  if (STRUCTS[type]) return readFields(r, STRUCTS[type])
  if (CHOICES[type]) return CHOICES[type][r.u8()] || unknown(type)
  if (/^\d+$/.test(type)) return hex(r.take(Number(type)))
  switch (type) {
    case "text":
      return r.text()
    case "name":
      return r.take(r.size()).toString("latin1")
    case "bytes":
      return hex(r.take(r.size()))
    case "size":
      return r.size()
    case "time":
      return safe(r.int())
    case "int":
      return plainInt(r.int())
    case "flag":
      return must(r.bytes[r.at] <= 1, "a flag") && r.u8() === 1
    case "words": {
      const words = readList(r, () => r.text())
      return ascending(words) && words
    }
    case "content":
      return readContent(r)
    default:
      return readValue(r, 0)
  }
}

export const hex = (bytes) => `hex:${bytes.toString("hex")}`
const plainInt = (value) => Number.isSafeInteger(Number(value)) ? Number(value) : `int:${value}`

const readContent = (r) => {
  const form = r.u8()
  if (form === 1) return { form: "inline", bytes: hex(r.take(r.size(MAX.inline - 1))) }
  if (form !== 2 && form !== 3) unknown(`content of form ${form}`)
  const content = { sha256: hex(r.take(32)), size: r.size(), writer: hex(r.take(8)) }
  if (form === 2) return { form: "same", ...content, index: r.size() }
  const epoch = r.size()
  const parts = readList(r, () => ({ sha256: hex(r.take(32)), size: r.size(MAX.part) }), MAX.parts)
  must(parts.reduce((sum, { size }) => sum + size, 0) === content.size, "parts of a content")
  return { form: "blob", ...content, epoch, parts }
}

const readValue = (r, depth) => {
  const type = r.u8()
  must(depth < MAX.depth || type < 7, "a value too deep")
  switch (type) {
    case 0:
      return null
    case 1:
      return false
    case 2:
      return true
    case 3:
      return plainInt(r.int())
    case 4: {
      const bytes = r.take(8)
      const number = bytes.readDoubleBE()
      must(!Number.isSafeInteger(number), "an integer as a float")
      must(!Number.isNaN(number) || bytes.toString("hex") === "7ff8000000000000", "a NaN")
      return `float:${number}`
    }
    case 5:
      return r.text()
    case 6:
      return hex(r.take(r.size()))
    case 7:
      return readList(r, () => readValue(r, depth + 1))
    case 8: {
      const entries = readList(r, () => [r.text(), readValue(r, depth + 1)])
      return ascending(entries.map(([key]) => key)) && { entries }
    }
    default:
      return unknown(`value of type ${type}`)
  }
}

export const readEvent = (bytes) => {
  must(bytes.length <= MAX.event, "an event too long")
  const r = new Bytes(bytes)
  const version = r.u8()
  if (version !== 1) unknown(`event version ${version}`)
  const number = r.u8()
  const { fields, kind } = KINDS[number - 1] ?? unknown(`kind ${number}`)
  const event = { kind, recordedAt: safe(r.int()), source: r.text(), conversation: r.text(), ...readFields(r, fields) }
  r.end()
  return { event, class: classOf(number) }
}
