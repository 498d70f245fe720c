/** Bits of each byte's code in RFC 7541, appendix B. */
// biome-ignore format: a table
const CODE_BITS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5,
  6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
  23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23,
  21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22,
  23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
  21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
] as const;

/** Symbol that ends the code and never occurs: padding is a prefix of it. */
export const END_OF_STRING = 256;
const END_OF_STRING_BITS = 30;

export interface HuffmanCode {
  readonly symbol: number;
  readonly bits: number;
  readonly code: number;
}

/** The code is canonical: in order of length, then of symbol, each one is its predecessor plus one. */
export const HUFFMAN_CODES: readonly HuffmanCode[] = assign();

function assign(): HuffmanCode[] {
  const lengths = [...CODE_BITS, END_OF_STRING_BITS].map((bits, symbol) => ({ symbol, bits }));
  const ordered = [...lengths].sort((a, b) => a.bits - b.bits || a.symbol - b.symbol);
  const codes = new Array<HuffmanCode>(lengths.length);
  let code = 0;
  let width = 0;
  for (const { symbol, bits } of ordered) {
    code *= 2 ** (bits - width);
    width = bits;
    codes[symbol] = { symbol, bits, code };
    code += 1;
  }
  return codes;
}
