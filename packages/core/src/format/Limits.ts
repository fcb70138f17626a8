/**
 * Every limit of the format and the program, each with its unit and its reason. A reader enforces them before it
 * allocates; a writer never makes what a reader would refuse.
 */
const KiB = 1024
const MiB = 1024 * KiB

/** Events under one Merkle leaf: one leaf an event would cost nine times the hashing. */
export const LEAF_EVENTS = 64
/** One encoded event, bytes: 128 KiB of content and as much around it. */
export const EVENT_BYTES = 256 * KiB
/** Content this long or longer goes into blobs, bytes. */
export const INLINE_CONTENT_BYTES = 128 * KiB
/** Content shorter than this is repeated rather than looked up, bytes: a reference costs 70. */
export const CONTENT_INDEX_BYTES = 512
/** Plaintext of one blob, bytes: flat memory for a file of any size. */
export const BLOB_PART_BYTES = 16 * MiB
/** Parts of one content: 2 TiB. */
export const BLOB_PARTS = 131_072
/** Events in one block. */
export const BLOCK_EVENTS = 65_536
/** Uncompressed events in one block, bytes. */
export const BLOCK_BYTES = 16 * MiB
/** A run of at least this much, uncompressed, is copied into segments as it is, bytes. */
export const FULL_RUN_BYTES = 32 * KiB
/** Smaller runs are merged on their way into a segment, so many bytes of them at once. */
export const MERGE_BYTES = 4 * MiB
/** Uncompressed events in one run, bytes: what one window may decompress to. */
export const RUN_BYTES = 32 * MiB
/** A run is begun anew at this much, uncompressed, so that one conversation is read in small steps, bytes. */
export const WINDOW_BYTES = MiB
/** Nested lists and maps in a Value. */
export const VALUE_DEPTH = 32
/** Entries in one list, map or table of an event. */
export const LIST_ENTRIES = 65_536

/** A live cut is made at this size, bytes. */
export const SEGMENT_CUT_BYTES = 4 * MiB
/** A backlog is cut at this size, bytes; a segment this long is final. */
export const SEGMENT_FINAL_BYTES = 8 * MiB
/** Blocks are gathered into a segment up to this size, their places in its table included, bytes. */
export const SEGMENT_BYTES = 16 * MiB
/** The longest runs of one segment, bytes: a block is never divided, and what surrounds its events may exceed the above. */
export const SEGMENT_RUNS_BYTES = 24 * MiB
/** The longest object a reader will open, bytes: a segment, its trailer, padding and tags. */
export const OBJECT_BYTES = 40 * MiB
/** Events in one segment: what a reader keeps one mark each for while it checks that none is missing. */
export const SEGMENT_EVENTS = 1_048_576
/** The longest trailer, bytes: it never outgrows the runs it lists. */
export const TRAILER_BYTES = 16 * MiB
/** The smallest segment or blob object, bytes: below this all look alike. */
export const OBJECT_MIN_BYTES = 4 * KiB
/** Plaintext of one chunk of a STREAM, bytes. */
export const CHUNK_BYTES = 64 * KiB
/** Letters of an object's name after its folder: short enough for any file system. */
export const NAME_CHARS = 80

/** The one readable object of a vault, bytes: it is read before anything is known of who wrote it. */
export const VAULT_FILE_BYTES = 4 * KiB
/** Epochs (vault keys) a slot can hold. */
export const EPOCHS = 32
/** Slots a reader tries with one password: each costs a key derivation. */
export const SLOTS = 8

/** Argon2id, RFC 9106: what a new slot gets, and the bounds a reader enforces before it allocates. */
export const KDF_DEFAULT = { memoryKiB: 256 * KiB, passes: 3, lanes: 4 } as const
export const KDF_FLOOR = { memoryKiB: 64 * KiB, passes: 3, lanes: 1 } as const
export const KDF_CEILING = { memoryKiB: 2 * KiB * KiB, passes: 16, lanes: 16 } as const

/** Password length, characters after NFKC. */
export const PASSWORD_MIN_CHARS = 8
export const PASSWORD_MAX_BYTES = 4 * KiB
/** How much of a password is scored: what follows only makes it stronger, and scoring all of 4 KiB takes seconds. */
export const PASSWORD_SCORED_CHARS = 100

/** Log indices fit 48 bits in a name and a double in memory. */
export const LOG_EVENTS = 2 ** 48 - 1
/** Batches a source may run ahead of the journal. */
export const CAPTURE_QUEUE_BATCHES = 1
/** Compressions handed to the thread pool at once: it has four threads, and should not run dry while we work here. */
export const COMPRESS_CONCURRENCY = 8
/** Up to this size compressing is done at once, bytes: a turn in the thread pool would take longer. */
export const SYNC_COMPRESS_BYTES = 4 * KiB
/** The same for decompressing, by the size of the result, bytes. */
export const SYNC_DECOMPRESS_BYTES = 16 * KiB
/** Decompressions handed to the thread pool at once: a segment's, so that it has work while the small ones are done here. */
export const DECOMPRESS_CONCURRENCY = 1024
/** Up to this size compressing is done quickly rather than well, bytes: half the time for a twentieth of the size. */
export const FAST_COMPRESS_BYTES = 16 * KiB
/** Journal entries checked when it is opened. */
export const TAIL_CHECK_ENTRIES = 256
/** … or fewer, where they are this long together, bytes: opening must cost the same for any journal. */
export const TAIL_CHECK_BYTES = 1 * MiB

/** A segment up to this long is fetched whole even where only a part of it is wanted: one request less, bytes. */
export const FETCH_WHOLE_BYTES = 256 * KiB
/** Opened segments a reader remembers, bytes of their objects. */
export const FETCH_CACHE_BYTES = 24 * MiB
/** Messages handed to a projection at once. */
export const RESTORE_BATCH_MESSAGES = 512
/** Trailers a reader remembers. */
export const TRAILER_CACHE = 64
/** A mail longer than this is written to JSON Lines without its text and parts worked out, bytes: parsing takes memory. */
export const MAIL_TEXT_BYTES = 32 * MiB

/** So many neighbouring segments of a level become one of the next. */
export const COMPACT_SEGMENTS = 16

/** A place that has not answered after this is not there, seconds: a disk that spins up takes fifteen, … */
export const PATIENCE_SECONDS = 60
/** … and as much longer as what is put takes on the slowest line worth shipping on, bytes a second, … */
export const PATIENCE_PUT_BYTES_A_SECOND = 16 * KiB
/** … or what may come back, which comes faster on any line. */
export const PATIENCE_GET_BYTES_A_SECOND = 64 * KiB
