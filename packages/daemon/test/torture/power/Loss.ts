/** What a power cut takes of the unsynced, chosen at random: all, none, or of each file and folder another part. */
import { Buffer } from "node:buffer"
import { changed, type Loss } from "./PageCache.ts"

/** What disks and page caches write at once, bytes. */
const PAGE_BYTES = 4096

type Change = Parameters<Loss["left"]>[1][number]

/** Nothing: as after a kill, when the system lives on. */
export const nothingLost: Loss = { namesKept: (changes) => changes, left: changed }

/** All: a disk that writes nothing before it must. */
const allLost: Loss = { namesKept: () => 0, left: (synced) => synced }

/** A cut like any other: two in five lose all, the rest something of everything. */
export const chooseLoss = (random: () => number): { readonly name: string; readonly loss: Loss } =>
  random() < 0.4 ? { name: "all lost", loss: allLost } : { name: "some lost", loss: someLost(random) }

const someLost = (random: () => number): Loss => ({
  namesKept: (changes) => Math.floor(random() * (changes + 1)),
  left: (synced, pending) => {
    if (pending.length === 0) return synced
    const roll = random()
    if (roll < 0.25) return synced
    if (roll < 0.4) return changed(synced, pending)
    return roll < 0.7 ? torn(random, synced, pending) : holed(random, synced, pending)
  }
})

/** Up to some byte of some write. */
const torn = (random: () => number, synced: Buffer, pending: ReadonlyArray<Change>): Buffer => {
  const whole = Math.floor(random() * pending.length)
  const last = pending[whole]!
  const part = "length" in last
    ? []
    : [{ offset: last.offset, bytes: last.bytes.subarray(0, Math.floor(random() * last.bytes.length)) }]
  return changed(synced, [...pending.slice(0, whole), ...part])
}

/** Some pages and not others; the length is that of the last page that was kept, or of all, with nothing in it. */
const holed = (random: () => number, synced: Buffer, pending: ReadonlyArray<Change>): Buffer => {
  const whole = changed(synced, pending)
  const left = Buffer.alloc(whole.length)
  synced.copy(left)
  let end = Math.min(synced.length, whole.length)
  for (let at = 0; at < whole.length; at += PAGE_BYTES) {
    if (random() < 0.5) continue
    whole.copy(left, at, at, at + PAGE_BYTES)
    end = Math.max(end, Math.min(at + PAGE_BYTES, whole.length))
  }
  return random() < 0.5 ? left.subarray(0, end) : left
}
