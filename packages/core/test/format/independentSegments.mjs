/**
 * Runs and segments (section 7 of `docs/format.md`), read by what the document says and nothing else. Beside
 * `independentReader.mjs`.
 */
import { brotliDecompressSync } from "node:zlib"
import { ascending, Bytes, damage, hex, must, unknown } from "./independentEvents.mjs"

// Section 9.
const MAX = {
  event: 262144,
  runEvents: 65536,
  rawLength: 33554432,
  segmentEvents: 1048576,
  runs: 25165824,
  trailer: 16777216,
  logEvents: 2 ** 48 - 1
}

// Section 7.
const readSpan = (r) => {
  const first = r.size(MAX.logEvents - 1)
  const count = r.size(MAX.runEvents)
  must(count > 0, "a run without events")
  const slack = count > 1 ? r.size(MAX.logEvents) : 0
  const last = first + slack + count - 1
  must(last < MAX.logEvents, "an index over its limit")
  return { first, last, count, slack }
}

const readIndices = (r) => {
  const { count, first, last, slack } = readSpan(r)
  if (slack === 0) return Array.from({ length: count }, (_, n) => first + n)
  if (count === 2) return [first, last]
  let k = 0
  while ((count - 1) * 2 ** (k + 1) <= slack) k++
  let [byte, left] = [0, 0]
  const bit = () => {
    if (left === 0) [byte, left] = [r.u8(), 8]
    return (byte >> --left) & 1
  }
  const indices = [first]
  while (indices.length < count - 1) {
    let distance = 0
    const room = last - indices.at(-1)
    while (bit() === 1) must((distance += 2 ** k) < room, "an index past the last")
    let low = 0
    for (let n = 0; n < k; n++) low = low * 2 + bit()
    must(distance + low + 1 < room, "an index past the last")
    indices.push(indices.at(-1) + distance + low + 1)
  }
  must((byte & (2 ** left - 1)) === 0, "bits behind the last index")
  return [...indices, last]
}

const readPlace = (r) => {
  const place = r.u8()
  if (place > 7 || (place & 3) === 3) unknown(`class ${place}`)
  return { class: place & 3, alone: place > 3 }
}

const readRun = (bytes) => {
  const r = new Bytes(bytes)
  const run = { ...readPlace(r), source: r.text(), conversation: r.text(), indices: readIndices(r) }
  must(!run.alone || run.indices.length === 1, "events beside one that stands alone")
  const codec = r.u8()
  if (codec > 1) unknown(`codec ${codec}`)
  const rawLength = r.size(MAX.rawLength)
  must(rawLength >= run.indices.length, "fewer bytes than events")
  const frame = r.take(codec === 0 ? rawLength : r.size(rawLength - 1))
  r.end()
  return { ...run, codec, rawLength, frame }
}

const eventsOfRun = ({ codec, frame, indices, rawLength }) => {
  const r = new Bytes(codec === 0 ? frame : unbrotli(frame, rawLength))
  const events = indices.map(() => r.take(r.size(MAX.event)))
  r.end()
  return events
}

const unbrotli = (frame, length) => {
  let opened
  try {
    opened = brotliDecompressSync(frame, { maxOutputLength: length, info: true })
  } catch {
    damage("a frame that is no brotli")
  }
  must(opened.engine.bytesWritten === frame.length && opened.buffer.length === length, "a frame of another length")
  return opened.buffer
}

export const readTrailer = (plaintext, length = plaintext.length) => {
  must(length >= 4 && plaintext.length >= 4, "no trailer")
  const size = plaintext.readUInt32BE(plaintext.length - 4)
  must(size <= MAX.trailer && size <= length - 4, "a trailer too long")
  must(size <= plaintext.length - 4, "more chunks are needed")
  const r = new Bytes(plaintext.subarray(plaintext.length - 4 - size, -4))
  const version = r.u8()
  if (version !== 1) unknown(`trailer version ${version}`)
  const trailer = { writer: hex(r.take(8)), first: r.u48(), last: r.u48(), before: r.take(32), after: r.take(32) }
  const { first, last } = trailer
  must(first <= last && last - first < MAX.segmentEvents, "a range that cannot be")
  const [recordedFrom, recordedTo] = [r.i64(), r.i64()]
  must(recordedFrom <= recordedTo, "time that runs backwards")
  const labels = Array.from({ length: r.size(2 * (last - first + 1)) }, () => r.text())
  ascending(labels)
  let [offset, order, held] = [0, [-1], 0]
  const used = new Set()
  const runs = Array.from({ length: r.size(last - first + 1) }, () => {
    const place = readPlace(r)
    const [source, conversation] = [r.size(labels.length - 1), r.size(labels.length - 1)]
    used.add(source).add(conversation)
    const span = readSpan(r)
    const run = { ...place, source: labels[source], conversation: labels[conversation], offset, length: r.size() }
    const next = [place.class, source, conversation, span.first]
    const differs = next.findIndex((value, n) => value !== order[n])
    must(differs >= 0 && (order[differs] ?? -1) < next[differs], "runs out of order")
    order = next
    offset += run.length
    held += span.count
    must(run.length > 0 && offset <= MAX.runs && first + span.last <= last, "a run that does not fit")
    return { ...run, first: first + span.first, last: first + span.last, count: span.count }
  })
  r.end()
  must(held === last - first + 1 && used.size === labels.length, "a table that does not add up")
  must(offset <= length - 4 - size, "runs past the trailer")
  return { ...trailer, recordedFrom, recordedTo, runs, runsLength: offset, trailerLength: size }
}

/** Trailer, runs and each event's bytes in the order of the log. */
export const readSegment = (plaintext) => {
  const trailer = readTrailer(plaintext)
  const { first, last, runsLength, trailerLength } = trailer
  new Bytes(plaintext.subarray(runsLength, plaintext.length - 4 - trailerLength)).zeros()
  const events = Array.from({ length: last - first + 1 })
  const runs = trailer.runs.map((entry) => {
    const run = readRun(plaintext.subarray(entry.offset, entry.offset + entry.length))
    const same = ["source", "conversation", "class", "alone"].every((name) => run[name] === entry[name])
    must(same && run.indices.length === entry.count, "a run that is not the one in the table")
    must(run.indices[0] === entry.first && run.indices.at(-1) === entry.last, "a run that is not the one in the table")
    for (const index of run.indices) {
      must(index >= first && index <= last && events[index - first] === undefined, "an event twice")
      events[index - first] = null
    }
    return run
  })
  for (const run of runs) {
    eventsOfRun(run).forEach((bytes, n) => {
      events[run.indices[n] - first] = { bytes, run }
    })
  }
  return { trailer, runs, events }
}
