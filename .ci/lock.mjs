/**
 * One set-up or build at a time in a checkout: two terminals running `npm test` take turns instead
 * of writing over each other's output.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

/** The top of the checkout. */
export const root = fileURLToPath(new URL("..", import.meta.url))

const waitMillis = 200
/** A lock without a process id is a holder between its two first steps, unless it has stood for longer. */
const graceMillis = 10_000
/** No set-up takes this long; after a restart the holder's id may belong to another process. */
const limitMillis = 10 * 60 * 1000

/** Runs `body` while holding the named lock of this checkout; a lock whose holder died is taken over. */
export async function withLock(name, body) {
  const path = `${root}.cache/${name}.lock`
  mkdirSync(`${root}.cache`, { recursive: true })
  for (let waits = 0; !acquire(path); waits++) {
    if (waits === 5) console.log(`${name}: waiting for another run in this checkout to finish`)
    await sleep(waitMillis)
  }
  const release = () => rmSync(path, { recursive: true, force: true })
  process.once("exit", release)
  try {
    return await body()
  } finally {
    release()
    process.off("exit", release)
  }
}

function acquire(path) {
  try {
    mkdirSync(path)
    writeFileSync(`${path}/pid`, String(process.pid))
    return true
  } catch (error) {
    if (error.code !== "EEXIST") throw error
    if (isAbandoned(path)) discard(path)
    return false
  }
}

function isAbandoned(path) {
  try {
    const pid = Number(readFileSync(`${path}/pid`, "utf8"))
    if (pid > 0) return !isAlive(pid) || isOlder(path, limitMillis)
    return isOlder(path, graceMillis)
  } catch (error) {
    if (error.code !== "ENOENT") throw error
    return isOlder(path, graceMillis)
  }
}

function isOlder(path, millis) {
  try {
    return Date.now() - statSync(path).mtimeMs > millis
  } catch {
    return false
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === "EPERM"
  }
}

/** Renamed before it is removed, so that of several waiters only one removes this lock. */
function discard(path) {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    rmSync(aside, { recursive: true, force: true })
  } catch (error) {
    if (error.code !== "ENOENT") throw error
  }
}
