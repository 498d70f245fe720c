import { z } from "zod";
import { corrupt } from "../corrupt.js";

/** Of all that is stored beside the segments: what a later version cannot read, it refuses by this number. */
const FORMAT = 1;

const integer = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt);

const position = z.object({ format: z.literal(FORMAT), sequence: integer, bytes: integer });
const snapshot = position.extend({
  group: z.string(),
  pieces: z.number().int().min(0),
  checksum: z.number(),
});

/** A place in the log: a segment's sequence, and the bytes of all segments up to and with it. */
export interface Position {
  readonly sequence: bigint;
  readonly bytes: bigint;
}

/** The newest snapshot: `bytes` are its own. */
export interface SnapshotPointer extends Position {
  readonly group: string;
  readonly pieces: number;
  readonly checksum: number;
}

/** Of an empty log. */
export const START: Position = { sequence: 0n, bytes: 0n };

export function encodePosition({ sequence, bytes }: Position): Buffer {
  return encode({ sequence, bytes });
}

export function encodeSnapshotPointer(pointer: SnapshotPointer): Buffer {
  return encode(pointer);
}

/** `name` is its place, for messages. Throws `corrupt`. */
export function parsePosition(bytes: Buffer, name: string): Position {
  return parse(position, bytes, name);
}

/** `name` is its place, for messages. Throws `corrupt`. */
export function parseSnapshotPointer(bytes: Buffer, name: string): SnapshotPointer {
  return parse(snapshot, bytes, name);
}

function encode(pointer: Position): Buffer {
  return Buffer.from(
    JSON.stringify({ format: FORMAT, ...pointer }, (_, value: unknown) =>
      typeof value === "bigint" ? value.toString() : value,
    ),
  );
}

function parse<T>(schema: z.ZodType<T>, bytes: Buffer, name: string): T {
  try {
    return schema.parse(JSON.parse(bytes.toString()));
  } catch (cause) {
    const found = bytes.toString("utf8", 0, 80);
    throw corrupt(`${name}: not of this plugin, or of another version: ${found}`, { cause });
  }
}
