import { DEFAULT_TABLE_BYTES } from "./decoder.js";
import { DynamicTable } from "./dynamic-table.js";
import type { Field } from "./field.js";
import { huffmanEncode, huffmanLength } from "./huffman.js";
import { STATIC_ENTRIES, staticIndexOf, staticIndexOfName } from "./static-table.js";

/** Two length prefixes and an index, at their longest. */
const FIELD_OVERHEAD_BYTES = 18;

/** Shared by all encoders: a block is copied from here before anything else is encoded. */
let scratch = Buffer.allocUnsafeSlow(4_096);

/**
 * Encodes the header blocks of one connection, in their order. Only fields marked as repeating enter the
 * dynamic table, so that one connection's odd metadata never evicts what every answer needs.
 */
export class HpackEncoder {
  private readonly table = new DynamicTable(DEFAULT_TABLE_BYTES);
  private maxTableBytes = DEFAULT_TABLE_BYTES;
  /** Smallest size since the last block: to be announced, and the last one after it. */
  private smallestTableBytes: number | undefined;

  /** Changes whenever the same fields may encode to other bytes. */
  get version(): number {
    return this.smallestTableBytes === undefined ? this.table.insertions : -1;
  }

  /** The other end's SETTINGS_HEADER_TABLE_SIZE; more than the default is not used. */
  setMaxTableBytes(bytes: number): void {
    const wanted = Math.min(bytes, DEFAULT_TABLE_BYTES);
    if (wanted === this.maxTableBytes) return;
    this.maxTableBytes = wanted;
    this.smallestTableBytes = Math.min(this.smallestTableBytes ?? wanted, wanted);
  }

  /** The block of `fields`, in memory that the next call uses again. */
  encode(fields: readonly Field[]): Buffer {
    let most = 2 * FIELD_OVERHEAD_BYTES;
    for (const { size } of fields) most += size + FIELD_OVERHEAD_BYTES;
    if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(most);
    const target = scratch;
    let at = this.announceSize(target);
    for (const field of fields) at = this.field(field, target, at);
    return target.subarray(0, at);
  }

  private announceSize(target: Buffer): number {
    const smallest = this.smallestTableBytes;
    if (smallest === undefined) return 0;
    this.smallestTableBytes = undefined;
    this.table.resize(smallest);
    let at = writeInteger(target, 0, 0x20, 0x1f, smallest);
    if (this.maxTableBytes !== smallest) {
      this.table.resize(this.maxTableBytes);
      at = writeInteger(target, at, 0x20, 0x1f, this.maxTableBytes);
    }
    return at;
  }

  private field(field: Field, target: Buffer, offset: number): number {
    const { name, value, repeats } = field;
    const index = staticIndexOf(name, value) ?? (repeats ? this.dynamicIndexOf(name, value) : undefined);
    if (index !== undefined) return writeInteger(target, offset, 0x80, 0x7f, index);
    const nameIndex = staticIndexOfName(name) ?? 0;
    let at = repeats
      ? writeInteger(target, offset, 0x40, 0x3f, nameIndex)
      : writeInteger(target, offset, 0x00, 0x0f, nameIndex);
    if (nameIndex === 0) at = writeString(target, at, name);
    if (repeats) this.table.add(field);
    return writeString(target, at, value);
  }

  private dynamicIndexOf(name: string, value: string): number | undefined {
    for (let index = 0; index < this.table.length; index += 1) {
      const field = this.table.at(index);
      if (field?.value === value && field.name === name) return STATIC_ENTRIES + 1 + index;
    }
    return undefined;
  }
}

function writeInteger(target: Buffer, offset: number, pattern: number, mask: number, value: number): number {
  if (value < mask) {
    target[offset] = pattern | value;
    return offset + 1;
  }
  target[offset] = pattern | mask;
  let at = offset + 1;
  let rest = value - mask;
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 128);
  }
  target[at++] = rest;
  return at;
}

function writeString(target: Buffer, offset: number, text: string): number {
  const huffmanBytes = huffmanLength(text);
  if (huffmanBytes < text.length) {
    const at = writeInteger(target, offset, 0x80, 0x7f, huffmanBytes);
    return huffmanEncode(text, target, at);
  }
  const at = writeInteger(target, offset, 0x00, 0x7f, text.length);
  return at + target.write(text, at, "latin1");
}
