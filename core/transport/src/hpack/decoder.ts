import { DynamicTable } from "./dynamic-table.js";
import { Field, HpackError } from "./field.js";
import { huffmanDecode } from "./huffman.js";
import { STATIC_ENTRIES, STATIC_TABLE } from "./static-table.js";

export const DEFAULT_TABLE_BYTES = 4_096;

/** No index or length of a sane block needs more; it keeps sums in the range of exact integers. */
const INTEGER_MAX = 2 ** 28;

/** Decodes the header blocks of one connection, in their order. */
export class HpackDecoder {
  private readonly table: DynamicTable;
  private block: Buffer = Buffer.alloc(0);
  private at = 0;
  private end = 0;

  /** `maxTableBytes` is what this end's SETTINGS allow the other. */
  constructor(private readonly maxTableBytes = DEFAULT_TABLE_BYTES) {
    this.table = new DynamicTable(maxTableBytes);
  }

  /** Changes whenever the same bytes may mean something else. */
  get version(): number {
    return this.table.insertions;
  }

  /**
   * Appends the block's fields to `into` as long as the list stays within `maxListBytes`; what is beyond is
   * decoded, since later blocks build on it, and dropped. Returns the size of the whole list.
   */
  decode(block: Buffer, start: number, end: number, into: Field[], maxListBytes: number): number {
    this.block = block;
    this.at = start;
    this.end = end;
    let size = 0;
    let atStart = true;
    while (this.at < end) {
      const byte = block[this.at] as number;
      let field: Field;
      if (byte >= 0x80) {
        field = this.fieldAt(this.integer(0x7f));
      } else if (byte >= 0x40) {
        field = this.literal(0x3f);
        this.table.add(field);
      } else if (byte >= 0x20) {
        if (!atStart) throw new HpackError("table size update inside a header block");
        this.resize(this.integer(0x1f));
        continue;
      } else {
        field = this.literal(0x0f);
      }
      atStart = false;
      size += field.size;
      if (size <= maxListBytes) into.push(field);
    }
    return size;
  }

  private fieldAt(index: number): Field {
    const field = index <= STATIC_ENTRIES ? STATIC_TABLE[index] : this.table.at(index - STATIC_ENTRIES - 1);
    if (field === undefined || index === 0) throw new HpackError(`no entry at index ${index}`);
    return field;
  }

  private literal(indexMask: number): Field {
    const index = this.integer(indexMask);
    const name = index === 0 ? this.string() : this.fieldAt(index).name;
    return new Field(name, this.string());
  }

  private resize(bytes: number): void {
    if (bytes > this.maxTableBytes)
      throw new HpackError(`table size ${bytes} is above ${this.maxTableBytes}`);
    this.table.resize(bytes);
  }

  private string(): string {
    const isHuffman = ((this.block[this.at] ?? 0) & 0x80) !== 0;
    const length = this.integer(0x7f);
    const start = this.at;
    this.at += length;
    if (this.at > this.end) throw new HpackError("string beyond the header block");
    return isHuffman
      ? huffmanDecode(this.block, start, this.at)
      : this.block.toString("latin1", start, this.at);
  }

  /** RFC 7541 section 5.1; `mask` covers the bits of the first byte. */
  private integer(mask: number): number {
    let value = this.next() & mask;
    if (value < mask) return value;
    let factor = 1;
    for (;;) {
      const byte = this.next();
      value += (byte & 0x7f) * factor;
      if (value > INTEGER_MAX || factor > INTEGER_MAX) throw new HpackError("integer too large");
      if (byte < 0x80) return value;
      factor *= 128;
    }
  }

  private next(): number {
    if (this.at >= this.end) throw new HpackError("header block ends early");
    return this.block[this.at++] as number;
  }
}
