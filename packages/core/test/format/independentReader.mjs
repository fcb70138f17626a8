/**
 * A reader of vaults written from `docs/format.md` alone: it shares no line with the program, only ciphers and a word
 * list from elsewhere. What it could not do, the document would not say. Section numbers are the document's.
 *
 *   node independentReader.mjs FOLDER < password      prints what the vault holds, as JSON
 */
import { aessiv } from "@noble/ciphers/aes.js"
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js"
import { hashRaw } from "@node-rs/argon2"
import { wordlist } from "@scure/bip39/wordlists/english.js"
import { createDecipheriv, createHash, createHmac, hkdfSync, timingSafeEqual } from "node:crypto"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Bytes, damage, hex, must, readEvent, unknown, utf8 } from "./independentEvents.mjs"
import { readSegment, readTrailer } from "./independentSegments.mjs"

// Section 9.
const OBJECT_BYTES = 41943040
const CHUNK = 65536
const KDF = { memory: [65536, 2097152], passes: [3, 16], lanes: [1, 16] }

// Section 3.
const sha256 = (...parts) => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest()
}
const hkdf = (secret, salt, label, context, length) =>
  Buffer.from(
    hkdfSync("sha256", secret, salt, context ? Buffer.concat([Buffer.from(`${label}\0`), context]) : label, length)
  )
const u32 = (n) => Buffer.from([n >>> 24, n >>> 16, n >>> 8, n])
const u48 = (n) => {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(n, 0, 6)
  return bytes
}
// Section 2.
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
const base32 = (bytes) => {
  let bits = ""
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0")
  return bits.replaceAll(/.{1,5}/g, (group) => LETTERS[parseInt(group.padEnd(5, "0"), 2)])
}
const unbase32 = (text) => {
  const bits = [...text].map((letter) => LETTERS.indexOf(letter).toString(2).padStart(5, "0")).join("")
  const bytes = Buffer.from((bits.match(/.{8}/g) ?? []).map((group) => parseInt(group, 2)))
  return base32(bytes) === text ? bytes : undefined
}
const epochLetters = (epoch) => [15, 10, 5, 0].map((shift) => LETTERS[(epoch >> shift) & 31]).join("")
const epochOf = (letters) => [...letters].reduce((epoch, letter) => epoch * 32 + LETTERS.indexOf(letter), 0)

export const readVaultFile = (bytes) => {
  let json
  try {
    json = JSON.parse(utf8.decode(bytes))
  } catch {
    return damage("sealog.json")
  }
  must(json?.magic === "sealog" && Number.isInteger(json.format) && json.format > 0, "sealog.json")
  if (json.format > 1) unknown(`format ${json.format}`)
  must(Object.keys(json).length === 3 && /^[0-9a-f]{64}$/.test(json.vaultId), "sealog.json")
  return Buffer.from(json.vaultId, "hex")
}

// Section 4.
const PURPOSES = { "name": 64, "segment": 32, "blob": 32, "blob id": 32 }
export const deriveKeys = (vaultId, vaultKey) =>
  Object.fromEntries(
    Object.entries(PURPOSES).map(([purpose, length]) => [
      purpose,
      hkdf(vaultKey, vaultId, `sealog 2026-11 ${purpose}`, undefined, length)
    ])
  )

export const readSlot = (bytes) => {
  const r = new Bytes(bytes)
  must(r.take(11).toString("latin1") === "sealog slot", "no slot")
  const version = r.u8()
  if (version > 1) unknown(`slot version ${version}`)
  must(version === 1 && bytes.length === 1207, "a slot's version or length")
  const kind = r.u8()
  if (kind !== 1 && kind !== 2) unknown(`slot kind ${kind}`)
  const [vaultId, id, newest, kdf] = [r.take(32), r.take(16), r.u32(), r.u8()]
  must(newest < 2 ** 20, "newest epoch")
  if (kdf > 1) unknown(`key derivation ${kdf}`)
  must(kdf === (kind === 1 ? 1 : 0), "kind and key derivation")
  const params = { memory: r.u32(), passes: r.u32(), lanes: r.u32() }
  for (const [name, value] of Object.entries(params)) {
    const [floor, ceiling] = kdf === 1 ? KDF[name] : [0, 0]
    must(value >= floor && value <= ceiling, `${name} out of bounds`)
  }
  return { kind, vaultId, id, newest, params, salt: r.take(32), commitment: r.take(32), bytes: r.bytes }
}

export const wordsToKey = (text) => {
  const bits = text.normalize("NFKC").toLowerCase().trim().split(/\s+/)
    .map((word) => wordlist.indexOf(word).toString(2).padStart(11, "0")).join("")
  must(/^[01]{264}$/.test(bits), "no recovery code")
  const key = Buffer.from(bits.slice(0, 256).match(/.{8}/g).map((group) => parseInt(group, 2)))
  must(sha256(key)[0] === parseInt(bits.slice(256), 2), "a recovery code's checksum")
  return key
}

const ARGON2ID = 2
const VERSION_13 = 1
const kekOf = ({ kind, params, salt }, secret) =>
  kind === 2 ? wordsToKey(secret) : hashRaw(Buffer.from(secret.normalize("NFKC")), {
    algorithm: ARGON2ID,
    version: VERSION_13,
    memoryCost: params.memory,
    timeCost: params.passes,
    parallelism: params.lanes,
    outputLen: 32,
    salt
  })

/** The vault keys by epoch; `undefined` where the secret is another. */
export const openSlot = (slot, kek) => {
  const derived = hkdf(kek, slot.salt, "sealog 2026-11 slot", slot.bytes.subarray(0, 110), 64)
  if (!timingSafeEqual(derived.subarray(32), slot.commitment)) return undefined
  const r = new Bytes(openRecord(derived.subarray(0, 32), slot.bytes.subarray(0, 142), slot.bytes.subarray(142)))
  const count = r.u8()
  must(count >= 1 && count <= 32 && count <= slot.newest + 1, "keys of a slot")
  const keys = new Map()
  for (let n = 0; n < count; n++) keys.set(slot.newest + 1 - count + n, r.take(32))
  r.zeros()
  return keys
}

export const openRecord = (key, aad, sealed) => {
  must(sealed.length >= 40, "a record too short")
  try {
    return xchacha20poly1305(key, sealed.subarray(0, 24), aad).decrypt(sealed.subarray(24))
  } catch {
    return damage("a record's tag")
  }
}

// Section 5.
const layoutOf = (size) => {
  const chunks = Math.ceil((size - 64) / (CHUNK + 16))
  const last = size - 64 - (chunks - 1) * (CHUNK + 16)
  must(size <= OBJECT_BYTES && size >= 80 && last >= 16 && (last > 16 || chunks === 1), `an object of ${size} bytes`)
  return { chunks, length: size - 64 - 16 * chunks }
}

/** Opens chunks from `from` on; `sealed` begins with that chunk. */
const openChunks = (key, chunks, from, sealed) => {
  const opened = []
  for (let index = from; index < chunks; index++) {
    const chunk = sealed.subarray((index - from) * (CHUNK + 16), (index - from + 1) * (CHUNK + 16))
    const nonce = Buffer.concat([Buffer.alloc(7), u32(index), Buffer.from([index === chunks - 1 ? 1 : 0])])
    const cipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 })
    cipher.setAuthTag(chunk.subarray(-16))
    const plaintext = cipher.update(chunk.subarray(0, -16))
    try {
      cipher.final()
    } catch {
      damage(`chunk ${index}`)
    }
    opened.push(plaintext)
  }
  return Buffer.concat(opened)
}

const objectKey = (key, kind, vaultId, name, head) => {
  const context = Buffer.concat([Buffer.from([1, kind]), vaultId, Buffer.from(name)])
  const derived = hkdf(key, head.subarray(0, 32), "sealog 2026-11 object", context, 64)
  must(timingSafeEqual(derived.subarray(32), head.subarray(32, 64)), `the commitment of ${name}`)
  return derived.subarray(0, 32)
}

export const openObject = (key, kind, vaultId, name, bytes) => {
  const { chunks } = layoutOf(bytes.length)
  return openChunks(objectKey(key, kind, vaultId, name, bytes.subarray(0, 64)), chunks, 0, bytes.subarray(64))
}

/** `foreign`, `newer epoch` or `unauthentic`, or what the name says. */
export const readSegmentName = (vaultId, keys, name) => {
  const letters = /^log\/([a-z2-7]{70})$/.exec(name)?.[1]
  const sealed = letters && unbase32(letters.slice(4))
  if (!sealed) return "foreign"
  const epoch = epochOf(letters.slice(0, 4))
  if (!keys.has(epoch)) return epoch > Math.max(...keys.keys()) ? "newer epoch" : "unauthentic"
  try {
    const r = new Bytes(aessiv(keys.get(epoch).name, Buffer.concat([Buffer.from([1]), vaultId])).decrypt(sealed))
    const segment = { name, epoch, writer: r.take(8).toString("hex"), level: r.u8(), first: r.u48(), last: r.u48() }
    return segment.first > segment.last ? "unauthentic" : { ...segment, session: r.take(4).toString("hex") }
  } catch {
    return "unauthentic"
  }
}

export const blobName = (keys, epoch, writer, hash) =>
  `blobs/${epochLetters(epoch)}${base32(createHmac("sha256", keys["blob id"]).update(writer).update(hash).digest())}`
export const slotName = (id) => `slots/${base32(id)}`

// Section 10.
const LEAF = 64
export const rootOf = (events) => {
  const leaves = []
  for (let at = 0; at < events.length; at += LEAF) {
    const parts = events.slice(at, at + LEAF).flatMap((event) => [u32(event.length), event])
    leaves.push(sha256(Buffer.from([0]), ...parts))
  }
  const tree = (from, to) => {
    if (to - from === 1) return leaves[from]
    let split = 1
    while (split * 2 < to - from) split *= 2
    return sha256(Buffer.from([1]), tree(from, from + split), tree(from + split, to))
  }
  return leaves.length === 0 ? sha256() : tree(0, leaves.length)
}

const fingerprintOf = (vaultId, epoch, writer, size, root) => {
  const digest = sha256("sealog fingerprint", vaultId, u32(epoch), writer, u48(size), root)
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, "0")).join("")
  const words = Array.from({ length: 8 }, (_, n) => wordlist[parseInt(bits.slice(11 * n, 11 * n + 11), 2)])
  return `${size} ${words.join(" ")}`
}

// Section 13.
const bare = (text) => Buffer.from(text.slice(4), "hex")

/** Opens a vault with a password or a recovery code, and proves all of it. */
export const openVault = async ({ get, list }, secret) => {
  const vaultId = readVaultFile(get("sealog.json"))
  const kind = secret.trim().split(/\s+/).length === 24 ? 2 : 1
  const slots = list().filter(({ name }) => /^slots\/[a-z2-7]{26}$/.test(name)).map(({ name }) => readSlot(get(name)))
    .filter((slot) => slot.kind === kind && slot.vaultId.equals(vaultId)).toSorted((a, b) => b.newest - a.newest)
  for (const slot of slots.slice(0, 8)) {
    const vaultKeys = openSlot(slot, await kekOf(slot, secret))
    if (vaultKeys === undefined) continue
    const keys = new Map([...vaultKeys].map(([epoch, key]) => [epoch, deriveKeys(vaultId, key)]))
    return { vaultId, keys, newest: slot.newest, get, list }
  }
  return damage("no slot opens")
}

/** The trailer of a segment by two ranges of its object: its head and its last chunk. */
export const trailerByRange = ({ keys, vaultId }, segment, size, getRange) => {
  const { chunks, length } = layoutOf(size)
  const key = objectKey(keys.get(segment.epoch).segment, 1, vaultId, segment.name, getRange(0, 64))
  const offset = 64 + (chunks - 1) * (CHUNK + 16)
  return readTrailer(openChunks(key, chunks, chunks - 1, getRange(offset, size - offset)), length)
}

const readLog = (vault, segments, writer) => {
  const log = []
  const end = Math.max(...segments.map(({ last }) => last + 1))
  while (log.length < end) {
    const covering = segments.filter(({ first, last }) => first <= log.length && last >= log.length)
    const segment = covering.toSorted((a, b) => b.last - a.last)[0] ?? damage(`a gap at ${log.length}`)
    const key = vault.keys.get(segment.epoch).segment
    const plaintext = openObject(key, 1, vault.vaultId, segment.name, vault.get(segment.name))
    const { events, trailer } = readSegment(plaintext)
    must(trailer.writer === hex(writer) && trailer.first === segment.first && trailer.last === segment.last, "a name")
    const bytes = (all) => all.map((each) => each.bytes)
    must(rootOf(bytes(log).slice(0, segment.first)).equals(trailer.before), `the root before ${segment.name}`)
    log.push(...events.slice(log.length - segment.first))
    must(rootOf(bytes(log)).equals(trailer.after), `the root after ${segment.name}`)
    const { event: oldest } = readEvent(events[0].bytes)
    const { event: newest } = readEvent(events.at(-1).bytes)
    must(oldest.recordedAt === trailer.recordedFrom && newest.recordedAt === trailer.recordedTo, "times of a segment")
  }
  const events = log.map(({ bytes, run }) => {
    const read = readEvent(bytes)
    must(read.class === run.class, "an event in a run of another class")
    must(read.event.source === run.source && read.event.conversation === run.conversation, "an event in another's run")
    return read.event
  })
  must(events.every((event, n) => n === 0 || events[n - 1].recordedAt <= event.recordedAt), "time that runs backwards")
  return { root: rootOf(log.map(({ bytes }) => bytes)), events }
}

/** The bytes of a content, checked; counts the blobs it reads. */
const readContent = (vault, logs, content, blobs) => {
  if (content.form === "inline") return bare(content.bytes)
  const writer = bare(content.writer)
  const bytes = content.form === "same"
    ? bare(contentOf(logs.get(writer.toString("hex")).events[content.index]).bytes)
    : Buffer.concat(content.parts.map((part) => {
      const keys = vault.keys.get(content.epoch)
      const name = blobName(keys, content.epoch, writer, bare(part.sha256))
      const r = new Bytes(openObject(keys.blob, 2, vault.vaultId, name, vault.get(name)))
      const read = r.take(r.u32())
      r.zeros()
      must(read.length === part.size && sha256(read).equals(bare(part.sha256)), `the bytes of ${name}`)
      blobs.add(name)
      return read
    }))
  return must(bytes.length === content.size && sha256(bytes).equals(bare(content.sha256)), "a content") && bytes
}

const contentOf = (event) => event.content ?? event.message?.content

/** Everything there is, proven, in plain words: bytes as `hex:…`, long integers as `int:…`. */
export const readVault = (vault) => {
  const names = vault.list().map(({ name }) => name).filter((name) => name.startsWith("log/"))
    .map((name) => readSegmentName(vault.vaultId, vault.keys, name))
  must(!names.includes("newer epoch"), "a slot that was replaced")
  const segments = names.filter((name) => typeof name !== "string")
  const logs = new Map()
  for (const writer of new Set(segments.map((segment) => segment.writer))) {
    logs.set(
      writer,
      readLog(vault, segments.filter((segment) => segment.writer === writer), Buffer.from(writer, "hex"))
    )
  }
  const blobs = new Set()
  const contents = []
  const writers = [...logs].toSorted(([a], [b]) => a < b ? -1 : 1).map(([writer, { events, root }]) => {
    for (const event of events) {
      const content = contentOf(event)
      if (content) contents.push(hex(sha256(readContent(vault, logs, content, blobs))))
    }
    const fingerprint = fingerprintOf(vault.vaultId, vault.newest, Buffer.from(writer, "hex"), events.length, root)
    return { writer: `hex:${writer}`, size: events.length, root: hex(root), fingerprint, events }
  })
  return { vaultId: hex(vault.vaultId), segments: segments.length, blobs: blobs.size, contents, writers }
}

/** A vault in a folder. */
export const folder = (path) => ({
  get: (name) => readFileSync(join(path, name)),
  list: () =>
    readdirSync(path, { recursive: true }).map((name) => name.replaceAll("\\", "/"))
      .filter((name) => statSync(join(path, name)).isFile())
      .map((name) => ({ name, size: statSync(join(path, name)).size }))
})

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const secret = readFileSync(0, "utf8").replace(/\r?\n$/, "")
  console.log(JSON.stringify(readVault(await openVault(folder(process.argv[2]), secret)), null, 2))
}
