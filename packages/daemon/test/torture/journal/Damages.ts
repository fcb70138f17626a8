/** Ways in which a disk gives back other bytes than were written, each decided by a seed. */
import * as fs from "node:fs"
import { join } from "node:path"
import { pick } from "../../faults/Trials.ts"

/** Changes a file of a folder; says which and how. */
export const damage = (folder: string, random: () => number): string => {
  const name = pick(random, dataFiles(folder))
  const path = join(folder, name)
  const bytes = fs.readFileSync(path)
  const at = Math.floor(random() * bytes.length)
  // Single bits are what rots; pages are what disks lose.
  const kind = pick(random, ["bit", "bit", "bit", "bit", "bit", "bit", "page", "cut", "swap", "noise"] as const)
  switch (kind) {
    case "bit": {
      const bit = Math.floor(random() * 8)
      bytes[at] = bytes[at]! ^ (1 << bit)
      fs.writeFileSync(path, bytes)
      return `${name}: bit ${bit} of byte ${at}`
    }
    case "page": {
      const from = at - (at % PAGE_BYTES)
      bytes.fill(0, from, Math.min(from + PAGE_BYTES, bytes.length))
      fs.writeFileSync(path, bytes)
      return `${name}: zeros from byte ${from}`
    }
    case "cut":
      fs.truncateSync(path, at)
      return `${name}: cut at byte ${at}`
    case "noise": {
      const length = Math.min(1 + Math.floor(random() * 512), bytes.length - at)
      for (let n = 0; n < length; n++) bytes[at + n] = Math.floor(random() * 256)
      fs.writeFileSync(path, bytes)
      return `${name}: ${length} bytes of noise at ${at}`
    }
    case "swap": {
      const other = pick(random, dataFiles(folder))
      const otherPath = join(folder, other)
      fs.writeFileSync(path, fs.readFileSync(otherPath))
      fs.writeFileSync(otherPath, bytes)
      return `${name} and ${other} swapped`
    }
  }
}

/** The files whose bytes count. */
export const dataFiles = (folder: string): ReadonlyArray<string> =>
  fs.readdirSync(folder).filter((name) => /\.(ldb|log)$|^MANIFEST|^CURRENT$/.test(name)).toSorted()

const PAGE_BYTES = 4_096
