/**
 * Prints how fast records and objects are sealed and opened, and what a key derivation takes:
 * `node .ci/ts.mjs packages/core/test/bench/cipher.ts`
 */
import * as Limits from "@sealog/core/format/Limits"
import { parseSegmentName, segmentName } from "@sealog/core/format/ObjectName"
import { open, seal, sealReference } from "@sealog/core/format/Sealed"
import { openStream, sealStream, streamContext } from "@sealog/core/format/SealedStream"
import * as Kdf from "@sealog/core/keys/Kdf"
import { makeKeyRing } from "@sealog/core/keys/KeyRing"
import { Effect, Redacted } from "effect"

const MiB = 1024 * 1024
const key = Redacted.make(new Uint8Array(32).fill(1))

const time = (name: string, bytes: number, rounds: number, body: () => unknown): void => {
  for (let round = 0; round < rounds / 4; round++) body()
  const begin = performance.now()
  for (let round = 0; round < rounds; round++) body()
  const millis = (performance.now() - begin) / rounds
  const rate = bytes === 0 ? "" : `${(bytes / millis / 1000).toFixed(0).padStart(8)} MB/s`
  console.log(`${name.padEnd(36)} ${(millis * 1000).toFixed(1).padStart(10)} µs${rate}`)
}

for (const [bytes, rounds] of [[300, 20_000], [4096, 10_000], [MiB, 100]] as const) {
  const options = { key, nonce: new Uint8Array(24), plaintext: new Uint8Array(bytes), aad: new Uint8Array(50) }
  const sealed = seal(options)
  time(`record of ${bytes}: seal`, bytes, rounds, () => seal(options))
  time(`record of ${bytes}: seal, reference`, bytes, rounds / 4, () => sealReference(options))
  time(`record of ${bytes}: open`, bytes, rounds, () => open({ ...options, sealed }))
}

const context = streamContext({ kind: "blob", vaultId: new Uint8Array(32), name: "blobs/a" })
for (const [bytes, rounds] of [[4096, 2000], [16 * MiB, 5]] as const) {
  const options = { key, context, name: "blobs/a", random: new Uint8Array(32), plaintext: new Uint8Array(bytes) }
  const sealed = sealStream(options)
  time(`object of ${bytes}: seal`, bytes, rounds, () => sealStream(options))
  time(`object of ${bytes}: open`, bytes, rounds, () => openStream({ key, context, sealed }))
}

const ring = makeKeyRing({ vaultId: new Uint8Array(32), epochs: new Map([[0, key]]) })
const segment = { epoch: 0, writer: new Uint8Array(8), level: 0, first: 0, last: 9, session: new Uint8Array(4) }
const name = segmentName(ring, segment)
time("segment name", 0, 5000, () => segmentName(ring, segment))
time("segment name, parsed", 0, 5000, () => parseSegmentName(ring, name))

for (const params of [Limits.KDF_FLOOR, Limits.KDF_DEFAULT]) {
  const begin = performance.now()
  const password = Redacted.make(new Uint8Array(12))
  const derive = Effect.flatMap(Kdf.Kdf, (kdf) => kdf.derive({ password, salt: new Uint8Array(32), ...params }))
  await Effect.runPromise(Effect.provide(derive, Kdf.layer))
  const { lanes, memoryKiB, passes } = params
  console.log(
    `Argon2id ${memoryKiB / 1024} MiB, ${passes} passes, ${lanes} lanes: ${(performance.now() - begin).toFixed(0)} ms`
  )
}
