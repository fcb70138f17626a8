/**
 * Vectors: what goes in, and what must come out. Our own, which are frozen in `docs/vectors`; and other people's, where
 * they are at hand: in the folder that `SEALOG_CORPORA` names, or in `shared/corpora` beside the repository.
 */
import { eventsOf } from "@sealog/core/format/Block"
import { decodeEvent, encodeEvent } from "@sealog/core/format/EventCodec"
import { FormatError } from "@sealog/core/format/FormatError"
import { type NameReason, parseSegmentName } from "@sealog/core/format/ObjectName"
import { open, openReference } from "@sealog/core/format/Sealed"
import { openStream, streamContext } from "@sealog/core/format/SealedStream"
import { decodeSegment } from "@sealog/core/format/Segment"
import { decodeVaultFile } from "@sealog/core/format/VaultFile"
import { hkdf } from "@sealog/core/keys/Hkdf"
import * as Kdf from "@sealog/core/keys/Kdf"
import { makeKeyRing } from "@sealog/core/keys/KeyRing"
import { openSlot } from "@sealog/core/keys/KeySlot"
import { parseRecoveryCode, recoveryKey } from "@sealog/core/keys/RecoveryCode"
import { LogBuilder } from "@sealog/core/log/MerkleLog"
import { Effect, Either, Redacted } from "effect"
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"

/** One vector: whose, and whether it is met. */
export interface KnownAnswer {
  readonly name: string
  readonly isMet: () => boolean | Effect.Effect<boolean>
}

export const knownAnswersOf: Effect.Effect<ReadonlyMap<string, ReadonlyArray<KnownAnswer>>> = Effect.sync(() =>
  new Map([
    ["ours", [
      ...events(),
      ...segments(),
      ...slots(),
      ...records(),
      ...objects(),
      ...names(),
      ...vaultFiles(),
      ...heads()
    ]],
    ["Wycheproof", fs.existsSync(corpora) ? [...xchacha(), ...hkdfs()] : []],
    ["BIP-39", fs.existsSync(corpora) ? codes() : []]
  ])
)

const ours = new URL("../../../../docs/vectors/", import.meta.url)
const corpora = process.env["SEALOG_CORPORA"] ??
  fileURLToPath(new URL("../../../../../shared/corpora", import.meta.url))

const pathOf = (path: string) => fileURLToPath(new URL(path, ours))
const readJson = (path: string) => JSON.parse(fs.readFileSync(path, "utf8"))
const filesIn = (folder: string) => fs.readdirSync(pathOf(folder)).map((file) => `${folder}${file}`)
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"))
const same = (a: Uint8Array | undefined, hex: string): boolean =>
  a !== undefined && Buffer.from(a).toString("hex") === hex
const key = (hex: string) => Redacted.make(bytes(hex))

const events = (): ReadonlyArray<KnownAnswer> =>
  filesIn("events/").map((name) => {
    const { expect, hex } = readJson(pathOf(name))
    return {
      name,
      isMet: () => {
        try {
          return same(encodeEvent(decodeEvent(bytes(hex))), hex) && expect === "ok"
        } catch (error) {
          return error instanceof FormatError && error.reason === expect
        }
      }
    }
  })

const segments = (): ReadonlyArray<KnownAnswer> =>
  filesIn("segments/").map((name) => {
    const { expect, plaintext } = readJson(pathOf(name))
    const pieces = (plaintext as ReadonlyArray<string | number>).map((piece) =>
      typeof piece === "number" ? new Uint8Array(piece) : bytes(piece)
    )
    const read = Effect.gen(function*() {
      const segment = yield* Effect.mapError(decodeSegment(new Uint8Array(Buffer.concat(pieces))), layered("segment"))
      const { first, last } = segment.trailer
      yield* eventsOf({ first, count: last - first + 1, runs: segment.runs, blobs: [] }).pipe(
        Effect.mapError(layered("events"))
      )
    })
    return {
      name,
      isMet: () =>
        Effect.match(read, {
          onSuccess: () => expect.result === "Success",
          onFailure: ({ layer, reason }) => expect.layer === layer && expect.result === reason
        })
    }
  })

const layered = (layer: string) => ({ reason }: FormatError) => ({ layer, reason })

const slots = (): ReadonlyArray<KnownAnswer> =>
  readJson(pathOf("keys/slots.json")).cases.map(({ expect, kek, name, secret, slot }: Record<string, string>) => ({
    name: `keys/slots.json: ${name}`,
    isMet: () =>
      openSlot({ bytes: bytes(slot!), secret: Redacted.make(secret!) }).pipe(
        Effect.provideService(Kdf.Kdf, { derive: () => Effect.succeed(key(kek!)) }),
        Effect.match({
          onSuccess: () => expect === "success",
          onFailure: ({ reason }) => SLOT_REASONS[expect!] === reason
        })
      )
  }))

const SLOT_REASONS: Readonly<Record<string, string>> = {
  header: "Malformed",
  unknown: "Unknown",
  bounds: "Bounds",
  commitment: "WrongSecret",
  cipher: "Malformed",
  contents: "Malformed"
}

/** Vectors of which a byte is another: none may be met. */
export const wrongAnswers = (): ReadonlyArray<KnownAnswer> =>
  readJson(pathOf("cipher/records.json")).cases
    .filter(({ expect }: { readonly expect: string }) => expect === "success")
    .map((given: Record<string, string>) => recordOf({ ...given, sealed: `${given["sealed"]!.slice(0, -1)}x` }))

const records = (): ReadonlyArray<KnownAnswer> => readJson(pathOf("cipher/records.json")).cases.map(recordOf)

const recordOf = (given: Record<string, string>): KnownAnswer => ({
  name: `cipher/records.json: ${given["name"]}`,
  isMet: () =>
    [open, openReference].every((opener) => {
      const opened = opener({ key: key(given["key"]!), aad: bytes(given["aad"]!), sealed: bytes(given["sealed"]!) })
      return given["expect"] === "success" ? same(opened, given["plaintext"]!) : opened === undefined
    })
})

const objects = (): ReadonlyArray<KnownAnswer> =>
  readJson(pathOf("cipher/objects.json")).cases.map((given: any) => ({
    name: `cipher/objects.json: ${given.name}`,
    isMet: () => {
      const base = given.file === undefined ? bytes(given.sealed) : fs.readFileSync(pathOf(`cipher/${given.file}`))
      const pieces: ReadonlyArray<readonly [number, number]> = given.pieces ?? [[0, base.length]]
      const sealed = new Uint8Array(Buffer.concat(pieces.map(([from, to]) => base.subarray(from, to))))
      if (given.flip !== undefined) sealed[given.flip]! ^= 1
      const context = streamContext({ kind: given.kind, vaultId: bytes(given.vaultId), name: given.object })
      const opened = openStream({ key: key(given.key), context, sealed })
      if (Either.isRight(opened)) {
        return given.expect === "success" && opened.right.length === given.plaintextLength
          && opened.right.every((byte, at) => byte === at % 251)
      }
      return (opened.left.reason === "Unauthentic" ? opened.left.detail : "length") === given.expect
    }
  }))

const names = (): ReadonlyArray<KnownAnswer> => {
  const { epochs, segments: cases, vaultId } = readJson(pathOf("names/names.json"))
  const ring = makeKeyRing({
    vaultId: bytes(vaultId),
    epochs: new Map(epochs.map((each: { epoch: number; key: string }) => [each.epoch, key(each.key)]))
  })
  const reasons: Record<NameReason, string> = {
    Foreign: "foreign",
    NewerEpoch: "newer epoch",
    Unauthentic: "unauthentic"
  }
  return cases.map(({ expect, first, last, level, name, object, session, writer }: any) => ({
    name: `names/names.json: ${name}`,
    isMet: () => {
      const parsed = parseSegmentName(ring, object)
      if (Either.isLeft(parsed)) return reasons[parsed.left.reason] === expect
      const { right } = parsed
      return expect === "success" && right.first === first && right.last === last && right.level === level
        && same(right.session, session) && same(right.writer, writer)
    }
  }))
}

const vaultFiles = (): ReadonlyArray<KnownAnswer> =>
  readJson(pathOf("names/vault-files.json")).cases.map(({ expect, name, text, vaultId }: Record<string, string>) => ({
    name: `names/vault-files.json: ${name}`,
    isMet: () => {
      const read = decodeVaultFile(new TextEncoder().encode(text!))
      return Either.isRight(read)
        ? expect === "success" && same(read.right.vaultId, vaultId!)
        : read.left.reason.toLowerCase() === expect
    }
  }))

const heads = (): ReadonlyArray<KnownAnswer> => {
  const { events: all, heads: cases } = readJson(pathOf("log/heads.json"))
  return cases.map(({ root, size }: { root: string; size: number }) => ({
    name: `log/heads.json: ${size} events`,
    isMet: () => {
      const log = LogBuilder.empty()
      for (const event of (all as ReadonlyArray<string>).slice(0, size)) log.append(bytes(event))
      return log.size === size && same(log.head().root, root)
    }
  }))
}

const wycheproof = (file: string): ReadonlyArray<any> =>
  readJson(`${corpora}/vectors/wycheproof/${file}`).testGroups.flatMap((group: any) => group.tests)

const xchacha = (): ReadonlyArray<KnownAnswer> =>
  wycheproof("xchacha20_poly1305_test.json").map((test) => ({
    name: `XChaCha20-Poly1305 ${test.tcId}`,
    isMet: () => {
      // A nonce of another length is no record of ours.
      if (test.iv.length !== 48) return test.result === "invalid"
      const sealed = bytes(test.iv + test.ct + test.tag)
      return [open, openReference].every((opener) => {
        const opened = opener({ key: key(test.key), aad: bytes(test.aad), sealed })
        return test.result === "valid" ? same(opened, test.msg) : opened === undefined
      })
    }
  }))

const hkdfs = (): ReadonlyArray<KnownAnswer> =>
  wycheproof("hkdf_sha256_test.json").map((test) => ({
    name: `HKDF ${test.tcId}`,
    isMet: () => {
      // What is too long to derive is refused by Node itself.
      const isPossible = test.size <= 255 * 32
      if (!isPossible) return test.result === "invalid"
      return same(hkdf(bytes(test.ikm), bytes(test.salt), bytes(test.info), test.size), test.okm)
    }
  }))

/** Codes of 24 words are ours; shorter ones are refused for their number of words. */
const codes = (): ReadonlyArray<KnownAnswer> =>
  readJson(`${corpora}/vectors/bip39/vectors.json`).english.map(([entropy, words]: readonly [string, string]) => ({
    name: words,
    isMet: () => {
      const parsed = parseRecoveryCode(words)
      if (Either.isLeft(parsed)) return entropy.length !== 64 && parsed.left.reason === "WordCount"
      return entropy.length === 64 && same(Redacted.value(recoveryKey(parsed.right)!), entropy)
    }
  }))
