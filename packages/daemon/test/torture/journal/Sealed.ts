/**
 * Every value that machines have ever written: a nonce, or a salt that makes a key of its own, may not come twice under
 * one key with anything else. Read from what lies on the disks, so that nothing of the program has to tell.
 */
import { isTable } from "@sealog/adapters/journal/LevelFiles"
import { readLogFile } from "@sealog/adapters/journal/LogFile"
import { readTable } from "@sealog/adapters/journal/TableFile"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { databaseOf, hex, journalOf, type Rig } from "./Rig.ts"

/** What has been seen under each key and nonce, and what came twice. */
export class Sealed {
  readonly repeats: Array<string> = []
  private readonly seen = new Map<string, string>()

  get size(): number {
    return this.seen.size
  }

  /** Takes in all that a machine and its targets hold now. */
  look(rig: Rig): void {
    for (const name of fs.readdirSync(databaseOf(rig))) {
      if (!/\.(ldb|log)$/.test(name)) continue
      const file = fs.readFileSync(join(databaseOf(rig), name))
      const { records } = isTable(name) ? readTable(file) : readLogFile(file)
      for (const { key, value } of records) {
        // The format's name is in clear, and where a content stands is a checksum.
        if (value === undefined || key[0] === 0 || (key[0] === 0x10 && key[3] === 4)) continue
        const bytes = value instanceof Uint8Array ? value : file.subarray(value.offset, value.offset + value.length)
        this.note(`journal ${hex(bytes.subarray(0, 26))}`, `${hex(key)} ${digestOf(bytes)}`)
      }
    }
    const mark = join(journalOf(rig), "newest")
    if (fs.existsSync(mark)) this.noteFile("journal", mark, 0, 26)
    // Magic, version and epoch stand before the nonce.
    this.noteFile("pin", join(rig.home, "head.pin"), 12, 38)
    for (const target of Object.values(rig.targets)) {
      for (const folder of ["log", "blobs"]) {
        const objects = join(target, folder)
        for (const name of fs.existsSync(objects) ? fs.readdirSync(objects) : []) {
          this.noteFile(`object`, join(objects, name), 0, 32, name)
        }
      }
    }
  }

  private noteFile(key: string, path: string, from: number, to: number, name = ""): void {
    const bytes = fs.readFileSync(path)
    this.note(`${key} ${hex(bytes.subarray(from, to))}`, `${name} ${digestOf(bytes)}`)
  }

  private note(under: string, what: string): void {
    const before = this.seen.get(under)
    if (before !== undefined && before !== what) this.repeats.push(`${under}: ${before} and ${what}`)
    this.seen.set(under, what)
  }
}

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 16)
