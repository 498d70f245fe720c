/** Strings in the Huffman code of HPACK, decoded four bits at a time. */
import { HpackError } from "./field.js";
import { END_OF_STRING, HUFFMAN_CODES } from "./huffman-code.js";

/**
 * The decoder's states are the inner nodes of the code's tree. A transition holds the next state, the symbol
 * that was completed on the way (no four bits complete two, the shortest code has five), and two marks.
 */
const SYMBOL_SHIFT = 16;
const STATE_MASK = 0xfff;
const HAS_SYMBOL = 1 << 12;
/** Between symbols, or in padding: a string may end here. */
const MAY_END = 1 << 13;
const FAILS = 1 << 14;
const NIBBLES = 16;
const PADDING_BITS_MAX = 7;

const TRANSITIONS = buildTransitions();

interface Node {
  index: number;
  readonly depth: number;
  /** Reached by ones alone. */
  readonly isPadding: boolean;
  readonly children: (Node | number | undefined)[];
}

function buildTransitions(): Uint32Array {
  const nodes: Node[] = [];
  const add = (depth: number, isPadding: boolean): Node => {
    const node: Node = { index: nodes.length, depth, isPadding, children: [undefined, undefined] };
    nodes.push(node);
    return node;
  };
  const root = add(0, true);
  for (const { symbol, bits, code } of HUFFMAN_CODES) {
    let node = root;
    for (let bit = bits - 1; bit > 0; bit -= 1) {
      const side = Math.floor(code / 2 ** bit) % 2;
      node.children[side] ??= add(node.depth + 1, node.isPadding && side === 1);
      node = node.children[side] as Node;
    }
    node.children[code % 2] = symbol;
  }
  const table = new Uint32Array(nodes.length * NIBBLES);
  for (const node of nodes) {
    for (let nibble = 0; nibble < NIBBLES; nibble += 1) {
      table[node.index * NIBBLES + nibble] = transition(root, node, nibble);
    }
  }
  return table;
}

function transition(root: Node, from: Node, nibble: number): number {
  let node = from;
  let completed = 0;
  for (let bit = 3; bit >= 0; bit -= 1) {
    const next = node.children[(nibble >> bit) & 1];
    if (next === undefined || next === END_OF_STRING) return FAILS;
    if (typeof next === "number") {
      completed = HAS_SYMBOL | (next << SYMBOL_SHIFT);
      node = root;
    } else {
      node = next;
    }
  }
  const mayEnd = node.isPadding && node.depth <= PADDING_BITS_MAX ? MAY_END : 0;
  return completed | mayEnd | node.index;
}

/** The shortest code has five bits, so eight bytes for every five suffice. */
const EXPANSION = 8 / 5;
let scratch = Buffer.allocUnsafeSlow(8_192);

export function huffmanDecode(bytes: Buffer, start: number, end: number): string {
  const most = Math.ceil((end - start) * EXPANSION);
  if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(most);
  const target = scratch;
  let length = 0;
  let state = MAY_END;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    state = TRANSITIONS[(state & STATE_MASK) * NIBBLES + (byte >> 4)] as number;
    if ((state & (HAS_SYMBOL | FAILS)) !== 0) {
      if ((state & FAILS) !== 0) throw new HpackError("invalid Huffman code");
      target[length++] = state >> SYMBOL_SHIFT;
    }
    state = TRANSITIONS[(state & STATE_MASK) * NIBBLES + (byte & 15)] as number;
    if ((state & (HAS_SYMBOL | FAILS)) !== 0) {
      if ((state & FAILS) !== 0) throw new HpackError("invalid Huffman code");
      target[length++] = state >> SYMBOL_SHIFT;
    }
  }
  if ((state & MAY_END) === 0) throw new HpackError("invalid Huffman padding");
  return target.toString("latin1", 0, length);
}

const BITS = Uint8Array.from(HUFFMAN_CODES, ({ bits }) => bits);
const CODES = Uint32Array.from(HUFFMAN_CODES, ({ code }) => code);

export function huffmanLength(text: string): number {
  let bits = 0;
  for (let at = 0; at < text.length; at += 1) bits += BITS[text.charCodeAt(at)] as number;
  return Math.ceil(bits / 8);
}

/** Writes `text` and returns the offset after it. */
export function huffmanEncode(text: string, target: Buffer, offset: number): number {
  let at = offset;
  let pending = 0;
  let pendingBits = 0;
  for (let index = 0; index < text.length; index += 1) {
    const symbol = text.charCodeAt(index);
    // at most 7 + 30 bits: more than an int32 holds, exact as a double
    pending = pending * 2 ** (BITS[symbol] as number) + (CODES[symbol] as number);
    pendingBits += BITS[symbol] as number;
    while (pendingBits >= 8) {
      pendingBits -= 8;
      const unit = 2 ** pendingBits;
      const byte = Math.floor(pending / unit);
      target[at++] = byte;
      pending -= byte * unit;
    }
  }
  if (pendingBits > 0) {
    const padding = 8 - pendingBits;
    target[at++] = pending * 2 ** padding + (2 ** padding - 1);
  }
  return at;
}
