/**
 * A digest of a set of lines that does not depend on their order, so that a store and a vault can be compared without
 * sorting either: the sum of the SHA-256 of every line, modulo 2^256, and how many there are. Lines can be taken out
 * again, so a drill follows what changed. It finds differences; it is no proof against somebody who may choose lines.
 */
import { createHash } from "node:crypto"

export class ConversationDigest {
  /** Sixteen times sixteen bits, lowest first. */
  private readonly limbs = new Uint16Array(LIMBS)
  private lines = 0

  /** Lines in it. */
  get count(): number {
    return this.lines
  }

  add(line: string): void {
    this.lines++
    this.accumulate(line, 1)
  }

  /** Takes out a line that was added before. */
  remove(line: string): void {
    this.lines--
    this.accumulate(line, -1)
  }

  equals(other: ConversationDigest): boolean {
    return this.lines === other.lines && this.limbs.every((limb, index) => limb === other.limbs[index])
  }

  /** 64 letters, highest first; the count is no part of it. */
  hex(): string {
    return Array.from(this.limbs, (limb) => limb.toString(16).padStart(4, "0")).toReversed().join("")
  }

  private accumulate(line: string, sign: 1 | -1): void {
    const digest = createHash("sha256").update(line).digest()
    let carry = 0
    for (let index = 0; index < LIMBS; index++) {
      const sum = this.limbs[index]! + sign * digest.readUInt16BE(30 - 2 * index) + carry
      this.limbs[index] = sum
      carry = Math.floor(sum / 0x1_0000)
    }
  }
}

const LIMBS = 16
