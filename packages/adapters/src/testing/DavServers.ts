/**
 * Real WebDAV servers for tests: the four that people run, each started on a free port in a folder of its own, as
 * nobody where we are root, and stopped with its scope. Which are missing here is told with the package that has them.
 */
import { Data, Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { accessSync, chownSync, constants, existsSync, mkdirSync, writeFileSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { connect, createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"

export type DavServerName = "apache" | "nginx" | "lighttpd" | "rclone"

export interface DavServerOptions {
  /** How it asks who is there; `none` where not given. Digest: Apache with MD5, lighttpd with SHA-256. */
  readonly auth?: "none" | "basic" | "digest"
  /** A certificate and its key; Apache alone. */
  readonly tls?: { readonly certificatePem: string; readonly keyPem: string }
  /** Where the objects lie, if not in the server's own folder. */
  readonly documents?: string
}

export interface DavServer {
  /** Its top, with a slash at the end. */
  readonly url: string
  readonly port: number
  /** What its top shows. */
  readonly documents: string
  /** The requests it answered, as `PUT /vault/log/aa 201`; Apache alone. */
  readonly requests: Effect.Effect<ReadonlyArray<string>>
}

export const DAV_USER = "ada lovelace"
export const DAV_PASSWORD = "p:ss \"wörd\" %41"
const REALM = "vaults"

export class DavServerProblem extends Data.TaggedError("DavServerProblem")<{ readonly said: string }> {
  override get message() {
    return this.said
  }
}

/** Why a server cannot be started here; undefined where it can. */
export const missingDavServer = (name: DavServerName): string | undefined => {
  const { files, packages, program } = servers[name]
  const lost = [...(find(program) === undefined ? [program] : []), ...files.filter((path) => !existsSync(path))]
  return lost.length === 0 ? undefined : `no ${lost.join(", ")} here; on Debian: apt-get install ${packages}`
}

export const startDavServer = (
  name: DavServerName,
  options: DavServerOptions = {}
): Effect.Effect<DavServer, DavServerProblem, Scope.Scope> =>
  Effect.gen(function*() {
    const folder = yield* ownFolder
    const documents = options.documents ?? join(folder, "documents")
    if (options.documents === undefined) mkdirSync(documents)
    hand(folder, documents)
    return yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => launch(name, { ...options, folder, documents, port: 0 }),
        catch: (cause) => new DavServerProblem({ said: String(cause) })
      }),
      ({ child }) => Effect.promise(() => stop(child))
    ).pipe(Effect.map(({ port }) => ({
      url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}/`,
      port,
      documents,
      requests: Effect.promise(async () =>
        (await readFile(join(folder, "access.log"), "utf8")).split("\n").filter((line) => line !== "")
      )
    })))
  })

interface Setting extends DavServerOptions {
  readonly folder: string
  readonly documents: string
  readonly port: number
}

interface Recipe {
  readonly program: string
  readonly packages: string
  /** What must be there beside the program. */
  readonly files: ReadonlyArray<string>
  /** Writes its configuration; the words to start it with. */
  readonly configure: (setting: Setting) => ReadonlyArray<string>
}

const write = (folder: string, name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const hash = (algorithm: string, text: string) => createHash(algorithm).update(text).digest("hex")
const sha1Line = `${DAV_USER}:{SHA}${createHash("sha1").update(DAV_PASSWORD).digest("base64")}\n`
const digestLine = (algorithm: string) =>
  `${DAV_USER}:${REALM}:${hash(algorithm, `${DAV_USER}:${REALM}:${DAV_PASSWORD}`)}\n`

const APACHE_MODULES = "/usr/lib/apache2/modules"

const apache: Recipe = {
  program: "apache2",
  packages: "apache2-bin",
  files: [`${APACHE_MODULES}/mod_dav_fs.so`],
  configure: ({ auth = "none", documents, folder, port, tls }) => {
    const modules = ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "auth_digest"]
    const users = auth === "basic"
      ? sha1Line
      : digestLine("md5")
    const path = write(folder, "users", users)
    const load = [...modules, "dav", "dav_fs", "dav_lock", ...(tls === undefined ? [] : ["ssl"])]
    const config = [
      `ServerRoot "${folder}"`,
      `PidFile "${folder}/pid"`,
      `Listen 127.0.0.1:${port}`,
      "ServerName 127.0.0.1",
      ...load.map((name) => `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`),
      "StartServers 1",
      "ServerLimit 1",
      "ThreadsPerChild 16",
      "MaxRequestWorkers 16",
      `ErrorLog "${folder}/error.log"`,
      `CustomLog "${folder}/access.log" "%m %U %>s"`,
      `DavLockDB "${folder}/locks"`,
      `DocumentRoot "${documents}"`,
      ...(tls === undefined
        ? []
        : [
          "SSLEngine on",
          `SSLCertificateFile "${write(folder, "certificate.pem", tls.certificatePem)}"`,
          `SSLCertificateKeyFile "${write(folder, "key.pem", tls.keyPem)}"`
        ]),
      `<Directory "${documents}">`,
      "Dav On",
      ...(auth === "none"
        ? ["Require all granted"]
        : [
          `AuthType ${auth === "basic" ? "Basic" : "Digest"}`,
          `AuthName "${REALM}"`,
          `AuthUserFile "${path}"`,
          "Require valid-user"
        ]),
      "</Directory>"
    ]
    return ["-f", write(folder, "httpd.conf", `${config.join("\n")}\n`), "-D", "FOREGROUND"]
  }
}

const NGINX_MODULE = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so"

const nginx: Recipe = {
  program: "nginx",
  packages: "nginx-light libnginx-mod-http-dav-ext",
  files: [NGINX_MODULE],
  configure: ({ auth = "none", documents, folder, port }) => {
    const users = write(folder, "users", sha1Line)
    const config = `
load_module ${NGINX_MODULE};
pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1; daemon off;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3;
  uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
  dav_ext_lock_zone zone=locks:1m;
  server {
    listen 127.0.0.1:${port}; root ${documents}; client_max_body_size 0;
    ${auth === "basic" ? `auth_basic "${REALM}"; auth_basic_user_file ${users};` : ""}
    location / {
      dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;
      dav_ext_lock zone=locks; dav_access user:rw;
    }
  }
}
`
    return ["-e", `${folder}/error.log`, "-c", write(folder, "nginx.conf", config), "-p", folder]
  }
}

const lighttpd: Recipe = {
  program: "lighttpd",
  packages: "lighttpd lighttpd-mod-webdav",
  files: ["/usr/lib/lighttpd/mod_webdav.so"],
  configure: ({ auth = "none", documents, folder, port }) => {
    const plain = write(folder, "users", `${DAV_USER}:${DAV_PASSWORD}\n`)
    const digest = write(folder, "digests", digestLine("sha256"))
    const guard = `auth.require = ("/" => ("method" => "${auth}", "algorithm" => "SHA-256", "realm" => "${REALM}",
  "require" => "valid-user"))
${auth === "basic" ? `auth.backend = "plain"\nauth.backend.plain.userfile = "${plain}"` : ""}
${auth === "digest" ? `auth.backend = "htdigest"\nauth.backend.htdigest.userfile = "${digest}"` : ""}
`
    const config = `
server.modules = (${auth === "none" ? "" : `"mod_auth", "mod_authn_file", `}"mod_webdav")
server.document-root = "${documents}"
server.bind = "127.0.0.1"
server.port = ${port}
server.errorlog = "${folder}/error.log"
server.upload-dirs = ("${folder}")
webdav.activate = "enable"
webdav.sqlite-db-name = "${folder}/dav.db"
${auth === "none" ? "" : guard}`
    return ["-D", "-f", write(folder, "lighttpd.conf", config)]
  }
}

const rclone: Recipe = {
  program: "rclone",
  packages: "rclone",
  files: [],
  configure: ({ auth = "none", documents, folder, port }) => [
    "serve",
    "webdav",
    "--config",
    write(folder, "rclone.conf", ""),
    "--cache-dir",
    join(folder, "cache"),
    "--addr",
    `127.0.0.1:${port}`,
    ...(auth === "basic" ? ["--user", DAV_USER, "--pass", DAV_PASSWORD] : []),
    documents
  ]
}

const servers: Readonly<Record<DavServerName, Recipe>> = { apache, nginx, lighttpd, rclone }

/** Servers stand in folders for administrators, which are not always on the way. */
const find = (program: string): string | undefined =>
  [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

const ownFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "sealog-dav-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
)

/** The owner of no files: a server that root starts must not run as root. */
const NOBODY = 65_534
const asNobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}

const hand = (...paths: ReadonlyArray<string>): void => {
  if (process.getuid?.() !== 0) return
  for (const path of paths) chownSync(path, NOBODY, NOBODY)
}

/** A port may be taken between being found free and being used: then another one is tried. */
const ATTEMPTS = 5
const START_MILLIS = 15_000

const launch = async (name: DavServerName, setting: Setting): Promise<{ child: ChildProcess; port: number }> => {
  const { configure, program } = servers[name]
  let said = ""
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = await freePort()
    const words = configure({ ...setting, port })
    const child = spawn(find(program) ?? program, words, { stdio: ["ignore", "ignore", "pipe"], ...asNobody })
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      said = (said + chunk).slice(-2_000)
    })
    if (await answers(child, port)) return { child, port }
    await stop(child)
  }
  const log = await readFile(join(setting.folder, "error.log"), "utf8").catch(() => "")
  throw new Error(`${name} did not start: ${said}${log}`)
}

const answers = async (child: ChildProcess, port: number): Promise<boolean> => {
  const until = Date.now() + START_MILLIS
  while (Date.now() < until && child.exitCode === null && child.signalCode === null) {
    if (await connects(port)) return true
    await wait(10)
  }
  return false
}

const connects = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => {
      resolve(false)
    })
  })

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server: Server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => {
        if (typeof address === "object" && address !== null) resolve(address.port)
        else reject(new Error("no port"))
      })
    })
  })

const stop = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once("exit", () => {
      resolve()
    })
    // Its children end with it; none of these servers has anything of ours left to write.
    child.kill("SIGTERM")
    setTimeout(() => child.kill("SIGKILL"), 3_000).unref()
  })
