/** What an entry of a dynamic table costs beside its name and value, RFC 7541 section 4.1. */
const ENTRY_OVERHEAD_BYTES = 32;

/**
 * One header field; strings hold one byte a character. A field that is in a table is the same object in every
 * header list that names it, so that what is worked out about it once can be kept with it.
 */
export class Field {
  /** For the reader of header lists: what it made of the field; 0 as long as nobody looked. */
  kind = 0;

  constructor(
    readonly name: string,
    readonly value: string,
    /** Whether an encoder may put it into its dynamic table: for fields that come again. */
    readonly repeats = false,
  ) {}

  get size(): number {
    return this.name.length + this.value.length + ENTRY_OVERHEAD_BYTES;
  }
}

/** The bytes are no header block: the tables of both ends have come apart, and the connection is lost. */
export class HpackError extends Error {
  override readonly name = "HpackError";
}
