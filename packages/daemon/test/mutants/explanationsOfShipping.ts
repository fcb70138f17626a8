/** Why mutants of segments, and of the way to them, that survive may. */
import { COST, explain, type Explanation, SAME, TEXT } from "./Explanation.ts"

export const ofShipping: ReadonlyArray<Explanation> = [
  explain(
    TEXT,
    "What was being read, in the words of an error whose reason is tested",
    "Block.ts | StringLiteral | \"block\" → \"\"",
    "Compression.ts | StringLiteral | \"compressed frame\" → \"\"",
    "Run.ts | StringLiteral | \"runs\" → \"\"",
    "Run.ts | StringLiteral | \"run\" → \"\"",
    "Segment.ts | StringLiteral | \"run\" → \"\"",
    "SegmentReader.ts | StringLiteral | \"run\" → \"\""
  ),
  explain(
    TEXT,
    "A name for Effect's own words, or that nothing asks for",
    "Compressor.ts | StringLiteral | \"@sealog/core/format/Compressor\" → \"\"",
    "Capture.ts | StringLiteral | \"@sealog/core/backup/Capture\" → \"\"",
    "HeadPin.ts | StringLiteral | \"@sealog/core/backup/HeadPin\" → \"\"",
    "HeadPin.ts | ObjectLiteral | { identifier: \"PinnedHead\" } → {}",
    "HeadPin.ts | ObjectLiteral | { identifier: \"Pin\" } → {}",
    "HeadPin.ts | StringLiteral | \"PinnedHead\" → \"\"",
    "HeadPin.ts | StringLiteral | \"Pin\" → \"\"",
    "HeadPin.ts | StringLiteral | \"PinError\" → \"\""
  ),
  explain(
    COST,
    "How long a buffer is made, which grows as it must, or how much one is given",
    "Block.ts | ArrowFunction | (sum, run) => sum + run.frame.length + RUN_HEADER_BYTES → () => undefined",
    "Block.ts | ArithmeticOperator | sum + run.frame.length → sum - run.frame.length",
    "Compression.ts | ArithmeticOperator | rawLength + 1 → rawLength - 1",
    "Compression.ts | MethodExpression | Math.max(MIN_CHUNK_BYTES, rawLength + 1) → Math.min(MIN_CHUNK_BYTES, rawLength + 1)",
    "Run.ts | ArithmeticOperator | sum + run.rawLength → sum - run.rawLength",
    "Segment.ts | ArithmeticOperator | 1.13 * runs.reduce((sum, run) => sum + segmentBytesOf(run), 4096) → 1.13 / runs.reduce((sum, run) => sum + segmentBytesOf(run), 4096)",
    "SegmentTrailer.ts | ArithmeticOperator | runs.length * 16 → runs.length / 16",
    "Segment.ts | ArithmeticOperator | indices[count - 1]! - indices[0]! → indices[count - 1]! + indices[0]!",
    "Segment.ts | ConditionalExpression | span === count → false",
    "Segment.ts | ArithmeticOperator | span / count + 1 → span / count - 1"
  ),
  explain(
    COST,
    "Compressed at once or in the thread pool, to the same frame",
    "Compression.ts | ConditionalExpression | bytes.length <= SYNC_COMPRESS_BYTES → true",
    "Compression.ts | ConditionalExpression | bytes.length <= SYNC_COMPRESS_BYTES → false",
    "Compression.ts | EqualityOperator | bytes.length <= SYNC_COMPRESS_BYTES → bytes.length < SYNC_COMPRESS_BYTES",
    "Compression.ts | EqualityOperator | bytes.length <= SYNC_COMPRESS_BYTES → bytes.length > SYNC_COMPRESS_BYTES",
    "Compressor.ts | ConditionalExpression | inputs[at]!.length <= options.smallBytes → true",
    "Compressor.ts | ConditionalExpression | inputs[at]!.length <= options.smallBytes → false",
    "Compressor.ts | EqualityOperator | inputs[at]!.length <= options.smallBytes → inputs[at]!.length < options.smallBytes",
    "Compressor.ts | EqualityOperator | inputs[at]!.length <= options.smallBytes → inputs[at]!.length > options.smallBytes"
  ),
  explain(
    COST,
    "How well and how quickly brotli compresses: any reader opens either",
    "Compression.ts | ObjectLiteral | { [constants.BROTLI_PARAM_QUALITY]: length <= FAST_COMPRESS_BYTES ? SMALL_QUALITY : QUALITY, [constants.BROTLI_PARAM_LGW… → {}",
    "Compression.ts | ConditionalExpression | length <= FAST_COMPRESS_BYTES → true",
    "Compression.ts | ConditionalExpression | length <= FAST_COMPRESS_BYTES → false",
    "Compression.ts | EqualityOperator | length <= FAST_COMPRESS_BYTES → length < FAST_COMPRESS_BYTES",
    "Compression.ts | EqualityOperator | length <= FAST_COMPRESS_BYTES → length > FAST_COMPRESS_BYTES",
    "Compression.ts | MethodExpression | Math.min( constants.BROTLI_DEFAULT_WINDOW, Math.max(constants.BROTLI_MIN_WINDOW_BITS, Math.ceil(Math.log2(length + 16)))… → Math.max(constants.BROTLI_DEFAULT_WINDOW, Math.max(constants.BROTLI_MIN_WINDOW_BITS, Math.ceil(Math.log2(length + 16))))",
    "Compression.ts | MethodExpression | Math.max(constants.BROTLI_MIN_WINDOW_BITS, Math.ceil(Math.log2(length + 16))) → Math.min(constants.BROTLI_MIN_WINDOW_BITS, Math.ceil(Math.log2(length + 16)))",
    "Compression.ts | ArithmeticOperator | length + 16 → length - 16"
  ),
  explain(
    COST,
    "One after the other, or more at a time, with the same outcome",
    "Compressor.ts | ObjectLiteral | { concurrent: true } → {}",
    "Compressor.ts | BooleanLiteral | true → false",
    "Compressor.ts | ObjectLiteral | { concurrency: COMPRESS_CONCURRENCY, discard: true } → {}",
    "Run.ts | ObjectLiteral | { concurrent: true } → {}",
    "Run.ts | BooleanLiteral | true → false",
    "Run.ts | EqualityOperator | n < DECOMPRESS_CONCURRENCY → n <= DECOMPRESS_CONCURRENCY",
    "Run.ts | ConditionalExpression | failed → false",
    "Capture.ts | ObjectLiteral | { capacity: CAPTURE_QUEUE_BATCHES } → {}",
    "Capture.ts | ObjectLiteral | { capacity: 1 } → {}"
  ),
  explain(
    SAME,
    "One more round over nothing: what it would set is read by nobody",
    "Compressor.ts | EqualityOperator | n < short.length → n <= short.length",
    "Run.ts | EqualityOperator | n < bytes.length → n <= bytes.length",
    "Run.ts | ObjectLiteral | { length: count } → {}"
  ),
  explain(
    COST,
    "A source that says that it may be read ahead of is, and the same is recorded where it is not",
    "Capture.ts | ConditionalExpression | source.readsAhead === true → false",
    "Capture.ts | BooleanLiteral | true → false"
  ),
  explain(
    COST,
    "Nothing is written, or nothing told of, where there was nothing to write",
    "Capture.ts | ConditionalExpression | also.events === 0 → false",
    "Recorder.ts | ConditionalExpression | delta.length > 0 → true",
    "Recorder.ts | EqualityOperator | delta.length > 0 → delta.length >= 0",
    "Reconcile.ts | ConditionalExpression | delta.length > 0 → true",
    "Reconcile.ts | EqualityOperator | delta.length > 0 → delta.length >= 0"
  ),
  explain(
    COST,
    "What was prepared is prepared once more, to the same",
    "Capture.ts | ConditionalExpression | recorder.generation === generation → false"
  ),
  explain(
    COST,
    "More chunks are asked for than are needed, or the same in another buffer",
    "VaultObjects.ts | ConditionalExpression | opened.length === 1 → false",
    "SegmentReader.ts | EqualityOperator | from > open.to + 1 → from >= open.to + 1"
  ),
  explain(
    COST,
    "More of a block is opened than is needed",
    "Entries.ts | MethodExpression | block.runs.filter(({ indices }) => indices.at(-1)! >= from) → block.runs",
    "Entries.ts | ConditionalExpression | indices.at(-1)! >= from → true",
    "Entries.ts | ConditionalExpression | from === size → false"
  ),
  explain(
    SAME,
    "A field that is there and undefined is read as one that is not there",
    "Entries.ts | ConditionalExpression | writer === undefined → false",
    "Reconcile.ts | ConditionalExpression | writer === undefined → false",
    "HeadPin.ts | ConditionalExpression | cause === undefined → false",
    "VaultObjects.ts | ConditionalExpression | detail === undefined → false",
    "Recorder.ts | ConditionalExpression | entry === undefined → false"
  ),
  explain(
    SAME,
    "A number that only has to differ from the one before",
    "Recorder.ts | UpdateOperator | this.generation++ → this.generation--"
  )
]
