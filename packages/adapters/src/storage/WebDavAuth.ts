/**
 * How a client shows who it is: Basic (RFC 7617), Digest with MD5 and SHA-256 (RFC 7616), and bearer tokens (RFC 6750).
 * A password goes nowhere before the server has asked for it and said in which way, unless its owner chose the way.
 */
import { Redacted } from "effect"
import { Buffer } from "node:buffer"
import { createHash, randomBytes } from "node:crypto"

export type Credentials =
  | {
    /** `asked`: Digest where the server offers it, else Basic. */
    readonly scheme: "asked" | "basic" | "digest"
    readonly user: string
    readonly password: Redacted.Redacted<string>
  }
  | { readonly scheme: "bearer"; readonly token: Redacted.Redacted<string> }

export interface Authorizer {
  /** The header to send with a request, if there is one to send yet. */
  readonly header: (method: string, url: URL) => string | undefined
  /** Takes in what a 401 asks for; whether the same request may now be let in. */
  readonly challenged: (challenge: string, sent: string | undefined) => boolean
}

export const makeAuthorizer = (credentials: Credentials | undefined): Authorizer => {
  if (credentials === undefined) return { header: () => undefined, challenged: () => false }
  if (credentials.scheme === "bearer") {
    return { header: () => `Bearer ${Redacted.value(credentials.token)}`, challenged: () => false }
  }
  const { password, scheme, user } = credentials
  const basic = `Basic ${Buffer.from(`${user}:${Redacted.value(password)}`).toString("base64")}`
  let way: (method: string, url: URL) => string | undefined = () => (scheme === "basic" ? basic : undefined)
  return {
    header: (method, url) => way(method, url),
    challenged: (text, sent) => {
      const challenges = parseChallenges(text)
      const digest = scheme === "basic" ? undefined : strongest(challenges)
      if (digest !== undefined) {
        // The same nonce refused is a wrong password; another one, or a stale one, is asked again with.
        if (sent?.startsWith("Digest ") === true && digest.stale?.toLowerCase() !== "true") return false
        way = digestWith(user, Redacted.value(password), digest)
        return true
      }
      if (scheme === "digest" || sent !== undefined || !challenges.some((each) => each.scheme === "basic")) return false
      way = () => basic
      return true
    }
  }
}

interface Challenge {
  readonly scheme: string
  readonly params: Readonly<Record<string, string>>
}

interface DigestChallenge {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: string
  readonly hash: "md5" | "sha256"
  readonly session: boolean
  readonly qop: boolean
  readonly opaque: string | undefined
  readonly stale: string | undefined
}

/** `Scheme key=value, key="value", Scheme …`, as one or several headers joined by commas. */
const parseChallenges = (text: string): ReadonlyArray<Challenge> => {
  const found: Array<{ scheme: string; params: Record<string, string> }> = []
  const token = /\s*,?\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/gy
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [, name = "", quoted, plain] = match
    const value = quoted?.replace(/\\(.)/g, "$1") ?? plain
    if (value === undefined) found.push({ scheme: name.toLowerCase(), params: {} })
    else {
      const last = found.at(-1)
      if (last !== undefined) last.params[name.toLowerCase()] = value
    }
  }
  return found
}

/** The digest with the strongest hash that is offered and known here. */
const strongest = (challenges: ReadonlyArray<Challenge>): DigestChallenge | undefined =>
  challenges.flatMap(({ params, scheme }) => {
    const algorithm = params["algorithm"] ?? "MD5"
    const [, name, session] = /^(MD5|SHA-256)(-sess)?$/i.exec(algorithm) ?? []
    const { nonce, opaque, qop, realm, stale } = params
    if (scheme !== "digest" || name === undefined || nonce === undefined || realm === undefined) return []
    if (qop !== undefined && !/(?:^|,)\s*auth\s*(?:,|$)/i.test(qop)) return []
    const hash = name.toUpperCase() === "MD5" ? "md5" as const : "sha256" as const
    return [{ algorithm, hash, nonce, opaque, qop: qop !== undefined, realm, session: session !== undefined, stale }]
  }).toSorted((a, b) => Number(b.hash === "sha256") - Number(a.hash === "sha256"))[0]

const digestWith = (user: string, password: string, challenge: DigestChallenge) => {
  const { algorithm, nonce, opaque, qop, realm, session } = challenge
  const hash = (text: string) => createHash(challenge.hash).update(text).digest("hex")
  const cnonce = randomBytes(16).toString("hex")
  const base = hash(`${user}:${realm}:${password}`)
  const secret = session ? hash(`${base}:${nonce}:${cnonce}`) : base
  let count = 0
  return (method: string, { pathname, search }: URL): string => {
    const uri = `${pathname}${search}`
    const nc = (++count).toString(16).padStart(8, "0")
    const what = hash(`${method}:${uri}`)
    const response = qop ? hash(`${secret}:${nonce}:${nc}:${cnonce}:auth:${what}`) : hash(`${secret}:${nonce}:${what}`)
    return [
      `Digest username=${quote(user)}, realm=${quote(realm)}, nonce=${quote(nonce)}, uri=${quote(uri)}`,
      `algorithm=${algorithm}, response="${response}"`,
      ...(qop ? [`qop=auth, nc=${nc}, cnonce="${cnonce}"`] : []),
      ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`])
    ].join(", ")
  }
}

const quote = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`
