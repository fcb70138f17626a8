/**
 * Everything that reads bytes which somebody else may have made: objects and names at a target, what stands in objects
 * that a hostile sender had a say in, lines and mails of the stores, requests on the control socket. Each with good
 * samples to start from.
 */
import { parseLine } from "@sealog/adapters/sources/JsonlLine"
import { scanHeader } from "@sealog/adapters/sources/MailHeader"
import { decodeBlob, encodeBlob } from "@sealog/core/format/Blob"
import { type Block, decodeBlock, encodeBlock, eventsOf } from "@sealog/core/format/Block"
import { decodeEvent, peekEvent } from "@sealog/core/format/EventCodec"
import { epochOf, parseSegmentName } from "@sealog/core/format/ObjectName"
import type { Run } from "@sealog/core/format/Run"
import { openStream, streamContext } from "@sealog/core/format/SealedStream"
import { decodeSegment } from "@sealog/core/format/Segment"
import { decodeTrailer } from "@sealog/core/format/SegmentTrailer"
import * as Value from "@sealog/core/format/Value"
import { decodeVaultFile } from "@sealog/core/format/VaultFile"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { readSlotHeader } from "@sealog/core/keys/KeySlot"
import { parseRecoveryCode } from "@sealog/core/keys/RecoveryCode"
import { parseFingerprint } from "@sealog/core/log/Fingerprint"
import { derive } from "@sealog/core/message/MailText"
import { methods, Request } from "@sealog/daemon/control/Protocol"
import { Effect, Either, Schema } from "effect"
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import { brotliCompressSync } from "node:zlib"
import { makeSmallVault, type SmallVault } from "../faults/SmallVault.ts"

export interface Parser {
  readonly name: string
  readonly samples: ReadonlyArray<Uint8Array>
  /** Reads it; what it throws, fails or gives as an error is judged by who asks. */
  readonly read: (bytes: Uint8Array) => unknown
  /** Errors that it may throw rather than give: of the format, where its caller catches them. */
  readonly throws?: boolean
}

/** Parsers with good samples; and one with samples that it must refuse. */
export const makeParsers = Effect.fn("Parsers.make")(function*(seed: number) {
  const vault = yield* makeSmallVault({ seed: `parsers ${seed}`, segments: 17, blobs: 2 })
  const samples = samplesOf(vault)
  const { ring } = vault
  const name = [...vault.ever.keys()].find((each) => each.startsWith("log/"))!
  const context = streamContext({ kind: "segment", vaultId: ring.vaultId, name })
  const key = ring.key(0, "segment")!
  const parsers: ReadonlyArray<Parser> = [
    { name: "event", samples: samples.events, read: decodeEvent, throws: true },
    { name: "event's header", samples: samples.events, read: peekEvent, throws: true },
    { name: "value", samples: samples.values, read: Value.decode, throws: true },
    { name: "block", samples: samples.blocks, read: (bytes) => unpacked(decodeBlock(bytes)) },
    { name: "segment", samples: samples.segments, read: (bytes) => unpackedSegment(bytes) },
    { name: "trailer", samples: samples.segments, read: (bytes) => decodeTrailer(bytes, bytes.length + 5_000) },
    { name: "blob", samples: samples.blobs, read: decodeBlob },
    { name: "sealed object", samples: samples.sealed, read: (sealed) => openStream({ key, context, sealed }) },
    { name: "segment name", samples: samples.names, read: (bytes) => parseSegmentName(ring, text(bytes)) },
    { name: "object name", samples: samples.names, read: (bytes) => epochOf(text(bytes)) },
    { name: "slot", samples: samples.slots, read: readSlotHeader },
    { name: "vault file", samples: samples.files, read: decodeVaultFile },
    { name: "JSON line", samples: LINES, read: parseLine },
    { name: "mail header", samples: MAILS, read: scanHeader },
    { name: "mail", samples: MAILS, read: derive },
    { name: "request", samples: REQUESTS, read: readRequest },
    { name: "recovery code", samples: [utf8("abandon ".repeat(24))], read: (bytes) => parseRecoveryCode(text(bytes)) },
    { name: "fingerprint", samples: [utf8(`7 ${"zoo ".repeat(8)}`)], read: (bytes) => parseFingerprint(text(bytes)) }
  ]
  const bombs: Parser = { name: "bomb", samples: samples.bombs, read: (bytes) => unpacked(decodeBlock(bytes)) }
  return { parsers, bombs }
})

/** A run's frame is unpacked too: that is where bombs are. */
const unpacked = (block: Either.Either<Block, unknown>) => Either.isRight(block) ? eventsOf(block.right) : block

const unpackedSegment = (bytes: Uint8Array) => {
  const segment = decodeSegment(bytes)
  if (Either.isLeft(segment)) return segment
  const { runs, trailer } = segment.right
  return eventsOf({ first: trailer.first, count: trailer.last - trailer.first + 1, runs, blobs: [] })
}

/** As the daemon takes a line: parsed, a request, and one of its methods. */
const readRequest = (bytes: Uint8Array) => {
  const request = Schema.decodeUnknownEither(Schema.parseJson(Request))(text(bytes))
  if (Either.isLeft(request) || "cancel" in request.right) return request
  const { method, params } = request.right
  if (!Object.hasOwn(methods, method)) return undefined
  return Schema.decodeUnknownEither(methods[method as "log"].params)(params)
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8")
const utf8 = (written: string): Uint8Array => new Uint8Array(Buffer.from(written))

const samplesOf = (vault: SmallVault) => {
  const plaintexts = [...vault.ever].flatMap(([name, sealed]) =>
    /^(log|blobs)\//.test(name) ? [{ name, bytes: plaintextOf(vault.ring, name, sealed) }] : []
  )
  const segments = plaintexts.filter(({ name }) => name.startsWith("log/")).map(({ bytes }) => bytes)
  const runs = segments.flatMap((bytes) => Either.getOrThrow(decodeSegment(bytes)).runs)
  const named = (prefix: string) =>
    [...vault.ever].filter(([name]) => name.startsWith(prefix)).map(([, bytes]) => bytes)
  return {
    events: vectorEvents(),
    values: VALUES.map(Value.encode),
    segments,
    blocks: runs.slice(0, 8).map((run) => blockOf(run)),
    bombs: BOMBS.map((bomb) => blockOf({ ...runs[0]!, ...bomb })),
    blobs: [encodeBlob(utf8("a short one")), encodeBlob(new Uint8Array(70_000).fill(7))],
    sealed: named("log/"),
    names: [...vault.ever.keys()].map(utf8),
    slots: named("slots/"),
    files: named("sealog.json")
  }
}

const plaintextOf = (ring: KeyRingShape, name: string, sealed: Uint8Array): Uint8Array => {
  const kind = name.startsWith("log/") ? "segment" : "blob"
  const context = streamContext({ kind, vaultId: ring.vaultId, name })
  return Either.getOrThrow(openStream({ key: ring.key(epochOf(name)!, kind)!, context, sealed }))
}

/** One run's worth of the log, as the journal has it. */
const blockOf = (run: Run): Uint8Array => {
  const first = run.indices[0]!
  const indices = run.indices.map((_, at) => first + at)
  return encodeBlock({ first, count: indices.length, runs: [{ ...run, indices }], blobs: ["blobs/x"] })
}

/** Frames of a hundred bytes that come to 128 MiB, and say that they come to less. */
const BOMB = new Uint8Array(brotliCompressSync(new Uint8Array(2 ** 27)))
const BOMBS: ReadonlyArray<Pick<Run, "codec" | "frame" | "rawLength">> = [
  1 + BOMB.length,
  2 ** 12,
  2 ** 15,
  2 ** 16,
  2 ** 20,
  2 ** 25
].map((rawLength) => ({ codec: "brotli", frame: BOMB, rawLength }))

/** Every kind of event, with least and most fields, as the frozen vectors have them. */
const vectorEvents = (): ReadonlyArray<Uint8Array> => {
  const folder = fileURLToPath(new URL("../../../../docs/vectors/events/", import.meta.url))
  return fs.readdirSync(folder).filter((file) => file.startsWith("ok-")).map((file) => {
    const { hex } = JSON.parse(fs.readFileSync(`${folder}${file}`, "utf8")) as { readonly hex: string }
    return new Uint8Array(Buffer.from(hex, "hex"))
  })
}

const nested = (depth: number): Value.Value => depth === 0 ? 1 : [nested(depth - 1)]

const VALUES: ReadonlyArray<Value.Value> = [
  null,
  2n ** 62n,
  1.5,
  "text",
  Uint8Array.of(1, 2, 3),
  nested(20),
  { a: [1, "b", { c: true }], b: { d: new Uint8Array(40) }, long: "x".repeat(300) },
  Array.from({ length: 300 }, (_, at) => at)
]

const LINES = [
  { id: "1", conversation: "c", author: "ada", at: "2024-05-06T07:08:09.123Z", text: "hello", extra: { a: [1, 2] } },
  { op: "edit", id: "1", conversation: "c", text: "there", attachments: [{ id: "a", name: "n.png", size: 3 }] },
  { op: "remove", id: "1", scope: "everyone", by: "ada", at: 1_700_000_000_000 },
  { op: "react", id: "1", author: "bob", emoji: "🐉" },
  { op: "flags", id: "1", flags: ["seen", "answered"] },
  { op: "receipt", id: "1", receipt: "read", by: "bob" }
].map((line) => utf8(JSON.stringify(line)))

const MAILS = [
  "From: Ada <ada@sample.example>\r\nTo: bob@sample.example\r\nDate: Mon, 6 May 2024 07:08:09 +0200\r\nSubject: =?utf-8?q?H=C3=A9?=\r\n"
  + "Message-ID: <1@sample.example>\r\nReferences: <0@sample.example>\r\n <2@sample.example>\r\n\r\nHello.\r\n",
  "From: a@b.example\nContent-Type: multipart/mixed; boundary=\"x\"\n\n--x\nContent-Type: text/plain\n\nA\n--x\n"
  + "Content-Type: application/pdf; name=\"a.pdf\"\nContent-Transfer-Encoding: base64\n\nAAAA\n--x--\n",
  "Subject: folded\n\tand folded\nFrom: \"a \\\"b\\\" (c)\" <d@e.example>\n\n<html><b>x</b></html>"
].map(utf8)

const REQUESTS = [
  { id: 1, method: "status", params: {} },
  { id: 2, method: "sync", params: { shipDelaySeconds: 2.5 } },
  { id: 3, method: "log", params: { follow: true, conversation: "c", sinceMillis: 1, untilMillis: 2 } },
  { id: 4, method: "drill", params: { mode: { samplePercent: 3 }, target: "usb" } },
  { id: 4, cancel: true }
].map((request) => utf8(JSON.stringify(request)))
