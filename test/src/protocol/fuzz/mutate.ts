import type { Random } from "../../histories/random.js";

const WORDS = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ":",
  ",",
  "\\u",
  "\\ud800",
  "null",
  "-0",
  "1e999",
  "9".repeat(400),
  "\0",
  "true",
];

/** The bytes with one to four things about them changed. */
export function mutated(random: Random, bytes: Buffer): Buffer {
  let out = bytes;
  for (let count = 1 + random.below(4); count > 0; count--) out = random.pick(MUTATIONS)(random, out);
  return out.subarray(0, 64 * 1024);
}

type Mutation = (random: Random, bytes: Buffer) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  (random, bytes) => bytes.subarray(0, random.below(bytes.length + 1)),
  (random, bytes) => change(random, bytes, (byte) => byte ^ (1 << random.below(8))),
  (random, bytes) => change(random, bytes, () => random.below(256)),
  (random, bytes) => insert(random, bytes, Buffer.alloc(1 + random.below(12), 0xff)),
  (random, bytes) => insert(random, bytes, Buffer.from(random.pick(WORDS), "latin1")),
  // A piece of it once more, and very often.
  (random, bytes) => insert(random, bytes, slice(random, bytes)),
  (random, bytes) =>
    insert(
      random,
      bytes,
      Buffer.concat(Array(1 + random.below(2_000)).fill(slice(random, bytes).subarray(0, 8))),
    ),
  (random, bytes) =>
    Buffer.concat([bytes, bytes]).subarray(0, 2 * bytes.length - random.below(bytes.length + 1)),
];

function change(random: Random, bytes: Buffer, edit: (byte: number) => number): Buffer {
  if (bytes.length === 0) return bytes;
  const out = Buffer.from(bytes);
  const at = random.below(out.length);
  out[at] = edit(out[at]!);
  return out;
}

function insert(random: Random, bytes: Buffer, piece: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}

function slice(random: Random, bytes: Buffer): Buffer {
  const start = random.below(bytes.length + 1);
  return bytes.subarray(start, start + random.below(64));
}

/** The bytes in pieces, cut anywhere. */
export function pieces(random: Random, bytes: Buffer): Buffer[] {
  const cuts = Array.from({ length: random.below(6) }, () => random.below(bytes.length + 1));
  const ends = [...cuts.sort((a, b) => a - b), bytes.length];
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}
