/**
 * Why mutants that survive may. Written by hand, for a file, a mutator and the original text; a mutant that nothing here
 * covers is shown as unexplained.
 */
import { COST, explain, type Explanation, SAME, TEXT } from "./Explanation.ts"
import { ofShipping } from "./explanationsOfShipping.ts"

export const explanations: ReadonlyArray<Explanation> = [
  explain(
    SAME,
    "Both indices halve together: where the inner loop begins, `at` is odd or equal to `last`, and `last` is not 0",
    "MerkleTree.ts | ConditionalExpression | at !== 0"
  ),
  explain(
    SAME,
    "Without a path for a size that is no power of two, `last` stays above 0, and the claim is refused at the end",
    "MerkleTree.ts | ConditionalExpression | start === undefined"
  ),
  explain(
    SAME,
    "The limit is no whole number, so none can be equal to it",
    "MerkleLog.ts | EqualityOperator | leaves > LOG_EVENTS / LEAF_EVENTS"
  ),
  explain(
    SAME,
    "A default for the types: splitting a text always gives a first part",
    "Fingerprint.ts | StringLiteral | \"\""
  ),
  explain(
    COST,
    "The size of a buffer that grows as it must, or when it is given up",
    "MerkleLog.ts | ArithmeticOperator | 16 * 1024",
    "MerkleLog.ts | ArithmeticOperator | 1024 * 1024",
    "MerkleLog.ts | ArithmeticOperator | range.peaks.length * HASH_BYTES",
    "MerkleLog.ts | EqualityOperator | end > this.open.length → end >= this.open.length",
    "MerkleLog.ts | ConditionalExpression | this.open.length > KEPT_LEAF_BYTES",
    "MerkleLog.ts | EqualityOperator | this.open.length > KEPT_LEAF_BYTES",
    "MerkleLog.ts | ArithmeticOperator | this.open.length * 2",
    "MerkleLog.ts | ArrowFunction | (sum, event) => sum + 4 + event.length"
  ),
  explain(
    COST,
    "The size of a buffer that grows as it must",
    "Binary.ts | ConditionalExpression | needed <= this.buffer.length → false",
    "Binary.ts | EqualityOperator | needed <= this.buffer.length → needed < this.buffer.length",
    "Binary.ts | ArithmeticOperator | this.buffer.length * 2",
    "EventSlab.ts | EqualityOperator | this.used + length <= this.memory.length → this.used + length < this.memory.length",
    "EventSlab.ts | ConditionalExpression | kept.length < KEPT → true",
    "EventSlab.ts | EqualityOperator | kept.length < KEPT → kept.length <= KEPT"
  ),
  explain(
    COST,
    "A quicker way to the same bytes is taken where it need not be, or is not taken where it could be",
    "Binary.ts | EqualityOperator | rest > 0x7fffffff → rest >= 0x7fffffff",
    "Binary.ts | StringLiteral | \"\\ufffd\"",
    "EventBytes.ts | EqualityOperator | value > 0x7fffffff → value >= 0x7fffffff",
    "EventBytes.ts | ConditionalExpression | value >= -ZIGZAG_EXACT && value < ZIGZAG_EXACT → false",
    "EventBytes.ts | EqualityOperator | value >= -ZIGZAG_EXACT → value > -ZIGZAG_EXACT",
    "EventBytes.ts | UnaryOperator | -ZIGZAG_EXACT",
    "EventBytes.ts | EqualityOperator | value < ZIGZAG_EXACT → value >= ZIGZAG_EXACT",
    "EventBytes.ts | BlockStatement | { this.varint(value < 0 ? -value * 2 - 1 : value * 2) return }",
    "EventBytes.ts | ConditionalExpression | length > SHORT_CHARS",
    "EventBytes.ts | EqualityOperator | length > SHORT_CHARS",
    "EventBytes.ts | ConditionalExpression | code > 0x7f → true",
    "EventBytes.ts | EqualityOperator | code > 0x7f → code >= 0x7f",
    "EventBytes.ts | EqualityOperator | size > value.length → size >= value.length",
    "EventBytes.ts | ConditionalExpression | size > value.length → true",
    "EventBytes.ts | ConditionalExpression | length <= SHORT_CHARS",
    "EventBytes.ts | EqualityOperator | length <= SHORT_CHARS",
    "EventBytes.ts | BlockStatement | { let all = 0 for (let index = from; index < end; index++) all |= bytesIn[index]! if (all < 0x80) return bytesIn.toStrin…",
    "EventBytes.ts | EqualityOperator | index < end → index <= end",
    "EventBytes.ts | ConditionalExpression | all < 0x80 → false",
    "Fields.ts | BlockStatement | { for (let index = 1; index < items.length; index++) { if (compareUtf8(items[index - 1]!, items[index]!) >= 0) return fa…",
    "Fields.ts | ConditionalExpression | compareUtf8(items[index - 1]!, items[index]!) >= 0 → true",
    "Fields.ts | BooleanLiteral | true → false"
  ),
  explain(
    COST,
    "A name that was read before is not found again, or in another slot, and is read anew",
    "EventBytes.ts | ConditionalExpression | length === 0 → false",
    ...[
      "length * 31 + bytesIn[from]! * 7 + bytesIn[from + length - 1]! * 131 + bytesIn[from + (length >> 1)]! * 17",
      "length * 31 + bytesIn[from]! * 7 + bytesIn[from + length - 1]! * 131",
      "length * 31",
      "length * 31 + bytesIn[from]! * 7",
      "bytesIn[from + length - 1]! * 131",
      "bytesIn[from]! * 7",
      "from + length - 1",
      "from + length",
      "bytesIn[from + (length >> 1)]! * 17",
      "from + (length >> 1)"
    ].map((hash) => `EventBytes.ts | ArithmeticOperator | ${hash}`),
    "EventBytes.ts | ConditionalExpression | known.length === length && this.isAscii(from, known) → false",
    "EventBytes.ts | BlockStatement | { for (let index = 0; index < value.length; index++) { const byte = this.bytesIn[from + index]! if (byte > 0x7f || byte …",
    "EventBytes.ts | UpdateOperator | index++",
    "EventBytes.ts | EqualityOperator | index < value.length → index <= value.length",
    "EventBytes.ts | ConditionalExpression | byte > 0x7f || byte !== value.charCodeAt(index) → true",
    "EventBytes.ts | EqualityOperator | byte > 0x7f → byte >= 0x7f",
    "EventBytes.ts | BooleanLiteral | true → false",
    "EventBytes.ts | StringLiteral | \"\" → \"Stryker was here!\""
  ),
  explain(
    SAME,
    "As a double and in 32 bits the same, since what it would take away is less than the last bit",
    "EventBytes.ts | ArithmeticOperator | high * FOUR_GROUPS → high / FOUR_GROUPS",
    "EventBytes.ts | ConditionalExpression | value < ZIGZAG_EXACT → true",
    "EventBytes.ts | EqualityOperator | value < ZIGZAG_EXACT → value <= ZIGZAG_EXACT"
  ),
  explain(
    SAME,
    "UTF-8 is what Node takes where no encoding is named",
    "Binary.ts | StringLiteral | \"utf8\"",
    "EventBytes.ts | StringLiteral | \"utf8\""
  ),
  explain(
    SAME,
    "It is set before anything is written",
    "EventBytes.ts | StringLiteral | \"event\""
  ),
  explain(
    SAME,
    "What is too much here is more than an event can have, and is refused for that with the same reason",
    "EventFields.ts | StringLiteral | \"Limit\"",
    "EventFields.ts | ConditionalExpression | blob.parts.length > BLOB_PARTS → false",
    "EventFields.ts | EqualityOperator | blob.parts.length > BLOB_PARTS → blob.parts.length >= BLOB_PARTS",
    "Value.ts | StringLiteral | \"Limit\"",
    "Value.ts | ConditionalExpression | keys.length > LIST_ENTRIES → false",
    "Value.ts | EqualityOperator | keys.length > LIST_ENTRIES → keys.length >= LIST_ENTRIES"
  ),
  explain(
    SAME,
    "No size that is read is negative, and one that is written is refused where it is written, with the same reason",
    "EventFields.ts | ConditionalExpression | part.size >= 0 → true"
  ),
  explain(
    SAME,
    "Past its end an array has nothing, which is what the next line does for a field that is absent and may be",
    "Fields.ts | EqualityOperator | index < names.length → index <= names.length",
    "Fields.ts | EqualityOperator | next < names.length → next <= names.length"
  ),
  explain(
    SAME,
    "Each of the two stands for no field, and where one is missing the other is there",
    "Fields.ts | UnaryOperator | -1",
    "Fields.ts | ObjectLiteral | { length: 256 }",
    "Fields.ts | ArrowFunction | () => -1"
  ),
  explain(
    SAME,
    "The next case gives a text back as well, and compares it to 0 first",
    "Value.ts | ConditionalExpression | case \"string\": return json"
  ),
  explain(
    SAME,
    "For the types alone",
    "Value.ts | BooleanLiteral | true → false"
  ),
  explain(
    SAME,
    "The name of a service: any other serves as well that no other service has",
    "Entropy.ts | StringLiteral | \"@sealog/core/keys/Entropy\"",
    "Kdf.ts | StringLiteral | \"@sealog/core/keys/Kdf\"",
    "KeyRing.ts | StringLiteral | \"@sealog/core/keys/KeyRing\""
  ),
  explain(
    SAME,
    "A list of one or more has a first and a last, a list of none has neither",
    "KeyRing.ts | LogicalOperator | first === undefined || newest === undefined",
    "KeyRing.ts | ConditionalExpression | first === undefined → false",
    "KeyRing.ts | ConditionalExpression | newest === undefined → false"
  ),
  explain(
    SAME,
    "A slot is `Malformed` for whatever reason its bytes are, save one; and the ring that is made of its keys refuses the same",
    "KeySlot.ts | StringLiteral | \"Malformed\"",
    "KeySlot.ts | StringLiteral | \"Limit\"",
    "KeySlot.ts | ConditionalExpression | count < 1 || count > Limits.EPOCHS || first < 0 → false",
    "KeySlot.ts | ConditionalExpression | count < 1 || count > Limits.EPOCHS → false",
    "KeySlot.ts | LogicalOperator | count < 1 || count > Limits.EPOCHS || first < 0",
    "KeySlot.ts | LogicalOperator | count < 1 || count > Limits.EPOCHS",
    "KeySlot.ts | ConditionalExpression | count < 1 → false",
    "KeySlot.ts | ConditionalExpression | count > Limits.EPOCHS → false",
    "KeySlot.ts | ConditionalExpression | first < 0 → false"
  ),
  explain(
    SAME,
    "Where it is reached the version is another one",
    "KeySlot.ts | EqualityOperator | version > VERSION → version >= VERSION"
  ),
  explain(
    SAME,
    "A copy of bytes that nobody else holds",
    "KeySlot.ts | MethodExpression | reader.raw(KEY_BYTES).slice()",
    "ObjectName.ts | MethodExpression | reader.raw(WRITER_BYTES).slice()",
    "ObjectName.ts | MethodExpression | reader.raw(SESSION_BYTES).slice()"
  ),
  explain(
    SAME,
    "What is said of a password is a text or null, and never an empty text",
    "PasswordStrength.ts | ConditionalExpression | text !== \"\" → true",
    "PasswordStrength.ts | StringLiteral | \"\""
  ),
  explain(
    SAME,
    "A detail that is undefined is none; the end of a body gives undefined; empty words are dropped",
    "RecoveryCode.ts | ConditionalExpression | detail === undefined → false",
    "RecoveryCode.ts | BlockStatement | { return undefined }",
    "RecoveryCode.ts | Regex | /\\s+/u"
  ),
  explain(
    COST,
    "Too long a text is refused, or cut, before it costs anything; else it is refused, or scored, after that",
    "Password.ts | ConditionalExpression | text.length > Limits.PASSWORD_MAX_BYTES * RAW_FACTOR → false",
    "Password.ts | EqualityOperator | text.length > Limits.PASSWORD_MAX_BYTES * RAW_FACTOR",
    "PasswordStrength.ts | MethodExpression | Redacted.value(password).slice(0, Limits.PASSWORD_SCORED_CHARS)"
  ),
  explain(
    COST,
    "The memory that the reference may take at most, which only tests run",
    "Kdf.ts | ArithmeticOperator | Limits.KDF_CEILING.memoryKiB * 1024 + 1024"
  ),
  explain(
    TEXT,
    "What an error is about, in its text alone",
    "KeySlot.ts | StringLiteral | \"key slot\"",
    "Blob.ts | StringLiteral | \"blob\"",
    "ObjectName.ts | StringLiteral | \"segment name\"",
    "SealedStream.ts | StringLiteral | `chunk ${index}`",
    "SealedStream.ts | StringLiteral | \"sealed object\"",
    "VaultFile.ts | StringLiteral | \"VaultFile\""
  ),
  explain(
    SAME,
    "Where it is reached, the ring does not hold that epoch",
    "ObjectName.ts | EqualityOperator | epoch > ring.newest → epoch >= ring.newest"
  ),
  explain(
    SAME,
    "Five bits that are left over at the end are a letter all the same",
    "ObjectName.ts | EqualityOperator | bits >= 5 → bits > 5"
  ),
  explain(
    SAME,
    "Node refuses to write such a number, with a RangeError too; and no ring holds such an epoch",
    "ObjectName.ts | ConditionalExpression | epoch < 0 → false",
    "ObjectName.ts | ConditionalExpression | name.first >= 0 → true",
    "ObjectName.ts | ConditionalExpression | name.last <= Limits.LOG_EVENTS → true"
  ),
  explain(
    SAME,
    "Nothing given back is undefined, and undefined is as good as false here",
    "ObjectName.ts | BlockStatement | { return undefined }",
    "Sealed.ts | BlockStatement | { return undefined }",
    "Sealed.ts | BlockStatement | { return false }"
  ),
  explain(
    SAME,
    "What is too short for a nonce and a tag is refused by noble as well",
    "Sealed.ts | ConditionalExpression | sealed.length < OVERHEAD_BYTES → false"
  ),
  explain(
    SAME,
    "The rule gives 0, 1 and 2 for 0, 1 and 2 as well",
    "Padme.ts | ConditionalExpression | length < 2 → false",
    "Padme.ts | EqualityOperator | length < 2 → length <= 2"
  ),
  explain(
    SAME,
    "No Padmé size up to the longest object leaves its last chunk empty, so the first size tried always holds enough",
    "Padme.ts | LogicalOperator | Either.isRight(shape) && shape.right.plaintextLength >= length",
    "Padme.ts | ConditionalExpression | Either.isRight(shape) && shape.right.plaintextLength >= length → true",
    "Padme.ts | ConditionalExpression | shape.right.plaintextLength >= length → true",
    "Padme.ts | ArithmeticOperator | size + 1"
  ),
  ...ofShipping
]
