/**
 * What is mutated, by groups, and the tests that are held against each. Tests of whole processes are left out: they
 * take seconds a mutant and would kill no other ones.
 */

const core = "packages/core/src"
const adapters = "packages/adapters/src"
const coreTests = (...paths) => paths.map((path) => `packages/core/test/${path}.test.ts`)
const adaptersTests = (...paths) => paths.map((path) => `packages/adapters/test/${path}.test.ts`)
const sources = (folder, ...names) => names.map((name) => `${folder}/${name}.ts`)

/** Modules of the journal whose bytes stay. */
const written = [
  "HeadMark",
  "LevelKeys",
  "LevelLog",
  "LevelMeta",
  "LevelRecords",
  "LevelSeal",
  "LevelState",
  "PinFile"
]

export const groups = {
  /** The bytes of events. */
  codec: {
    mutate: sources(
      `${core}/format`,
      "Binary",
      "EventBytes",
      "EventCodec",
      "EventFields",
      "EventSlab",
      "Fields",
      "Value"
    ),
    tests: coreTests("format/{Binary,EventBytes,EventCodec,EventSlab,EventVectors,Fields,Value}")
  },
  /** The Merkle log and the paper form of a head. */
  log: {
    mutate: [`${core}/log/*.ts`],
    tests: coreTests("log/*")
  },
  /** Derivation, slots, rings, passwords, recovery codes, labels. */
  keys: {
    mutate: [`${core}/keys/*.ts`],
    tests: coreTests("keys/*", "format/FormatDocument")
  },
  /** Runs, blocks, segments, blobs, and the ciphers, names and sizes of objects. */
  segment: {
    mutate: sources(
      `${core}/format`,
      "Blob",
      "Block",
      "Compression",
      "Compressor",
      "Indices",
      "ObjectName",
      "Padme",
      "Run",
      "Sealed",
      "SealedStream",
      "Segment",
      "SegmentReader",
      "SegmentTrailer",
      "VaultFile"
    ),
    tests: coreTests(
      "format/Blob",
      "format/Block",
      "format/Compression",
      "format/Independent*",
      "format/Indices",
      "format/ObjectName",
      "format/Padme",
      "format/Run",
      "format/Sealed*",
      "format/Segment*",
      "format/VaultFile"
    )
  },
  /** What the journal writes: keys, records, seals, the log, what sources remember, the mark and the pin of its head. */
  journal: {
    mutate: sources(`${adapters}/journal`, ...written),
    tests: adaptersTests("journal/{Contract,Damage,Holes,Parts,PinFile,Records,Store}")
  },
  /** How the journal's files are held, checked, salvaged and healed. */
  salvage: {
    mutate: [`${adapters}/journal/*.ts`, ...sources(`!${adapters}/journal`, ...written)],
    tests: [...adaptersTests("journal/*"), ...adaptersTests("pipeline/Heal")]
  },
  /** From a source to the targets. */
  shipper: {
    mutate: sources(
      `${core}/backup`,
      "Capture",
      "Compaction",
      "ContentSharing",
      "Entries",
      "HeadPin",
      "Reconcile",
      "Recorder",
      "Segmenter",
      "Shipper",
      "VaultObjects"
    ),
    tests: [...coreTests("backup/*"), ...adaptersTests("backup/*", "pipeline/{Capture,Reconcile}")]
  }
}

/** Tests and suites of these files, by name, that take long and come back to what quicker ones beside them hold. */
export const slow = [
  "is refused with any one bit changed",
  "is refused by it where any object was changed, and where the password is another",
  "still has another salt for other bytes or another name when randomness has failed",
  "takes the longest password there can be",
  "takes no changed bytes that it would not have written itself",
  "has the same root however its events were grouped",
  "notices it in a table, or it is the same",
  "Journal contract: level behind a wrapper",
  "keeps a block of 65,536 events",
  "keeps a block of 12 MiB"
]
