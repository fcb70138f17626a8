/** A Maildir of its own in a temporary folder, and what the owner's mail programs do to it. */
import { openMaildir } from "@sealog/adapters/sources/Maildir"
import { SourceError } from "@sealog/core/backup/Source"
import { type SourceCapability, StoreDriver } from "@sealog/core/testing/SourceContract"
import { Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const attempt = <A>(work: () => A): Effect.Effect<A, SourceError> =>
  Effect.try({
    try: work,
    catch: (cause) => new SourceError({ reason: "Denied", method: "test", subject: String(cause), cause })
  })

export const temporaryFolder = Effect.acquireRelease(
  attempt(() => fs.mkdtempSync(join(tmpdir(), "sealog-source-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

export const makeFolder = (root: string, folder: string): void => {
  for (const sub of ["cur", "new", "tmp"]) fs.mkdirSync(join(root, folder, sub), { recursive: true })
}

/** As a mail server does: written in `tmp`, then moved. Names are bytes. */
export const put = (root: string, path: string, text: string | Uint8Array): void => {
  const draft = join(root, "tmp", "draft")
  fs.writeFileSync(draft, text)
  fs.renameSync(draft, bytesOf(root, path))
}

export const bytesOf = (root: string, path: string): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")])

export const mail = (number: number, text = ""): string =>
  `From: Someone <s${number}@sample.example>\nDate: Mon, 1 Jan 2024 10:00:0${number % 10} +0100\n`
  + `Message-ID: <${number}@sample.example>\nSubject: ${number}\n\nText ${number} ${text}\n`

export const maildirCapabilities: ReadonlySet<SourceCapability> = new Set(
  ["remove", "restore", "move", "flag", "gap", "odd", "large", "file"] as const
)

const ODD = [
  "cur/1 space:2,",
  "cur/2\xf0\x9f\x93\xac:2,S",
  "cur/3\xff\xfe:2,",
  "cur/4\nline:2,",
  "cur/5%FF:2,",
  "cur/6:2,:2,F",
  "new/7",
  "cur/8;2,RS",
  "cur/9:1,x",
  "cur/__proto__:2,",
  "cur/11\"'$(x)`:2,SabcXYZ"
]

export const maildirDriver = Layer.scoped(
  StoreDriver,
  Effect.gen(function*() {
    const top = yield* temporaryFolder
    const root = join(top, "mail")
    yield* attempt(() => {
      makeFolder(root, "")
      makeFolder(root, ".Archive")
    })
    const path = (number: number) => `new/${number}.host`
    let touches = 0
    return {
      open: openMaildir({ name: "maildir", path: root }),
      add: (number) => attempt(() => put(root, path(number), mail(number))),
      edit: () => Effect.die("a mail is never edited"),
      remove: (number) => attempt(() => fs.renameSync(join(root, path(number)), join(top, String(number)))),
      restore: (number) => attempt(() => fs.renameSync(join(top, String(number)), join(root, path(number)))),
      move: (number) =>
        attempt(() => fs.renameSync(join(root, path(number)), join(root, `.Archive/cur/${number}.host:2,S`))),
      flag: (number) => attempt(() => fs.renameSync(join(root, path(number)), join(root, `cur/${number}.host:2,FS`))),
      addUnreadable: attempt(() => fs.symlinkSync("/etc/hostname", join(root, "cur/link:2,"))),
      makeReadable: attempt(() => {
        fs.unlinkSync(join(root, "cur/link:2,"))
        put(root, "cur/link:2,", mail(77))
      }),
      addOdd: attempt(() => {
        ODD.forEach((name, number) => put(root, name, mail(number)))
        return ODD.length
      }),
      addLarge: attempt(() => put(root, "cur/large:2,", mail(5, "x".repeat(3_000_000)))),
      touchFile: attempt(() => fs.writeFileSync(join(root, "dovecot-uidlist"), `3 V1 N${touches++}\n`)),
      fingerprint: attempt(() => fingerprint(root)),
      unplug: attempt(() => fs.renameSync(root, join(top, "elsewhere")))
    }
  })
)

export const fingerprint = (root: string): string => {
  const hash = createHash("sha256")
  const visit = (path: Buffer): void => {
    const { atimeNs, ctimeNs, mode, mtimeNs, size } = fs.lstatSync(path, { bigint: true })
    const isFolder = fs.lstatSync(path).isDirectory()
    hash.update(path).update(`${mode} ${size} ${mtimeNs} ${ctimeNs} ${isFolder ? "" : atimeNs}`)
    if (isFolder) {
      for (const name of fs.readdirSync(path, { encoding: "buffer" }).toSorted(Buffer.compare)) {
        visit(Buffer.concat([path, Buffer.from("/"), name]))
      }
    } else if (fs.lstatSync(path).isFile()) hash.update(readQuietly(path))
  }
  visit(Buffer.from(root))
  return hash.digest("hex")
}

/** Without setting the access time, which is part of what is compared. */
const readQuietly = (path: Buffer): Buffer => {
  const { O_NOATIME, O_RDONLY } = fs.constants as Partial<typeof fs.constants> & { readonly O_RDONLY: number }
  const fd = fs.openSync(path, O_RDONLY | (O_NOATIME ?? 0))
  try {
    return fs.readFileSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
