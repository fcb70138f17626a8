/**
 * Apple's typedstream, what NSArchiver writes, as far as the bodies of messages need it: a tree of objects out of
 * bytes. Anything malformed throws a `TypedStreamError`; what it allocates is bounded by the bytes it is given.
 *
 * A stream is groups of values, each behind a string of type codes. Strings of codes and names of classes are shared:
 * written once, then by number. So are objects, classes and C strings, in another numbering.
 */
import { Buffer } from "node:buffer"

export class TypedStreamError extends Error {
  override readonly name = "TypedStreamError"
}

/** An object: its class, with those it stands on, and the groups of values it wrote. */
export interface TypedObject {
  readonly classes: ReadonlyArray<string>
  readonly groups: Array<ReadonlyArray<Typed>>
}

export type Typed = null | number | string | Uint8Array | TypedObject | ReadonlyArray<string> | {
  readonly list: ReadonlyArray<Typed>
}

const INT16 = -127
const INT32 = -126
const FLOAT = -125
const NEW = -124
const NIL = -123
const END = -122
/** The first number of something written before; what is between are tags. */
const FIRST_REFERENCE = -110

const VERSION = 4
const SIGNATURE = "streamtyped"
/** Objects within each other; real ones have about six. */
const DEPTH = 64
/** Values in all: real bodies have a few for each of their bytes at most. */
const VALUES_A_BYTE = 4

/** The first value of a stream, which for what Messages writes is the only one. */
export const readTypedStream = (bytes: Uint8Array): Typed => new Reader(bytes).first()

class Reader {
  private readonly bytes: Buffer
  private at = 0
  private left: number
  private readonly strings: Array<string> = []
  private readonly objects: Array<Typed> = []

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.left = bytes.length * VALUES_A_BYTE
  }

  first(): Typed {
    if (this.int(false) !== VERSION) throw new TypedStreamError("another version")
    if (this.take(this.int(false)).toString("latin1") !== SIGNATURE) throw new TypedStreamError("another byte order")
    this.int(false)
    return this.group(this.head(), 0)[0] ?? null
  }

  private take(length: number): Buffer {
    return this.bytes.subarray(this.skip(length), this.at)
  }

  /** Goes on by so many bytes; where they begin. */
  private skip(length: number): number {
    const from = this.at
    if (from + length > this.bytes.length) throw new TypedStreamError("it ends too early")
    this.at += length
    return from
  }

  /** One byte, without a sign. */
  private byte(): number {
    if (this.at >= this.bytes.length) throw new TypedStreamError("it ends too early")
    return this.bytes[this.at++]!
  }

  private head(): number {
    return this.byte() << 24 >> 24
  }

  private int(signed: boolean, head = this.head()): number {
    if (head === INT16) return signed ? this.take(2).readInt16LE(0) : this.take(2).readUInt16LE(0)
    if (head === INT32) return signed ? this.take(4).readInt32LE(0) : this.take(4).readUInt32LE(0)
    if (head < FIRST_REFERENCE && head !== NIL) throw new TypedStreamError(`a tag ${head} where a number should be`)
    return signed ? head : head & 0xff
  }

  private float(double: boolean): number {
    const head = this.head()
    if (head !== FLOAT) return this.int(true, head)
    return double ? this.take(8).readDoubleLE(0) : this.take(4).readFloatLE(0)
  }

  /** A string as it stands, which has no number. */
  private unshared(): Buffer | null {
    const head = this.head()
    return head === NIL ? null : this.take(this.int(false, head))
  }

  /** The same as text: codes and names are ASCII. */
  private name(): string {
    const head = this.head()
    if (head === NIL) return ""
    const from = this.skip(this.int(false, head))
    return this.bytes.toString("latin1", from, this.at)
  }

  private shared(head = this.head()): string | null {
    if (head === NIL) return null
    if (head !== NEW) return this.before(this.strings, head)
    const text = this.name()
    this.strings.push(text)
    return text
  }

  private before<A>(known: ReadonlyArray<A>, head: number): A {
    const place = this.int(true, head) - FIRST_REFERENCE
    if (place < 0 || place >= known.length) throw new TypedStreamError("something that was not written before")
    return known[place]!
  }

  private group(head: number, depth: number): ReadonlyArray<Typed> {
    const codes = this.shared(head)
    if (codes === null) throw new TypedStreamError("values of no type")
    return codesIn(codes).map((code) => this.value(code, depth))
  }

  private value(code: string, depth: number): Typed {
    if (--this.left < 0 || depth > DEPTH) throw new TypedStreamError("too much of it")
    switch (code[0]) {
      case "C":
      case "B":
        return this.byte()
      case "c":
        return this.head()
      case "S":
      case "I":
      case "L":
      case "Q":
        return this.int(false)
      case "s":
      case "i":
      case "l":
      case "q":
        return this.int(true)
      case "f":
        return this.float(false)
      case "d":
        return this.float(true)
      case "*":
        return this.cString()
      case "%":
      case ":":
        return this.shared()
      case "+":
        return this.unshared()
      case "#":
        return this.classes(this.head())
      case "@":
        return this.object(depth)
      case "!":
        return null
      case "[":
        return this.array(code, depth)
      case "{":
        return { list: codesIn(code.slice(code.indexOf("=") + 1, -1)).map((inner) => this.value(inner, depth + 1)) }
      default:
        throw new TypedStreamError(`a type ${code}`)
    }
  }

  private cString(): Typed {
    const head = this.head()
    if (head === NIL) return null
    if (head !== NEW) return this.before(this.objects, head)
    const text = this.shared()
    this.objects.push(text)
    return text
  }

  private array(code: string, depth: number): Typed {
    const length = Number.parseInt(code.slice(1), 10)
    const inner = code.slice(1 + String(length).length, -1)
    if (!(length >= 0) || length > this.bytes.length) throw new TypedStreamError("a list longer than all of it")
    if (inner === "c" || inner === "C") return new Uint8Array(this.take(length))
    return { list: Array.from({ length }, () => this.value(inner, depth + 1)) }
  }

  /** A class and those it stands on, the outermost first. */
  private classes(first: number): ReadonlyArray<string> {
    const names: Array<string> = []
    let head = first
    const fresh: Array<Array<string>> = []
    while (head === NEW) {
      const name = this.shared() ?? ""
      this.int(true)
      const chain: Array<string> = []
      fresh.push(chain)
      this.objects.push(chain)
      names.push(name)
      head = this.head()
    }
    const rest = head === NIL ? [] : this.before(this.objects, head)
    if (!Array.isArray(rest)) throw new TypedStreamError("a class that is something else")
    const all = [...names, ...rest as ReadonlyArray<string>]
    fresh.forEach((chain, n) => chain.push(...all.slice(n)))
    return all
  }

  private object(depth: number): Typed {
    const head = this.head()
    if (head === NIL) return null
    if (head !== NEW) return this.before(this.objects, head)
    const groups: Array<ReadonlyArray<Typed>> = []
    // Its number comes before those of its class and of what is in it.
    const place = this.objects.push(null) - 1
    const object: TypedObject = { classes: this.classes(this.head()), groups }
    this.objects[place] = object
    for (let next = this.head(); next !== END; next = this.head()) groups.push(this.group(next, depth + 1))
    return object
  }
}

/** The codes of a string of them, each whole. */
const codesIn = (codes: string): ReadonlyArray<string> => {
  if (codes.length === 1) return [codes]
  const known = split.get(codes)
  if (known !== undefined) return known
  const all: Array<string> = []
  let depth = 0
  let from = 0
  for (let at = 0; at < codes.length; at++) {
    const one = codes[at]!
    if ("[{(".includes(one)) depth++
    if ("]})".includes(one)) depth--
    if (depth > 0) continue
    all.push(codes.slice(from, at + 1))
    from = at + 1
  }
  if (from !== codes.length) throw new TypedStreamError("types that do not end")
  if (split.size < SPLIT_ENTRIES) split.set(codes, all)
  return all
}

const split = new Map<string, ReadonlyArray<string>>()
const SPLIT_ENTRIES = 64
