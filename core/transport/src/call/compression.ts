/** Messages in gzip. All is done at once: messages are bounded, and their order has to stay. */
import { constants, gunzipSync, gzipSync } from "node:zlib";
import { Code, StatusError } from "./status.js";
import { goQuote } from "./text.js";

export const IDENTITY = "identity";
export const GZIP = "gzip";
export const ACCEPTED_ENCODINGS = `${IDENTITY},${GZIP}`;

/** For speed: most messages are small. */
const LEVEL = constants.Z_BEST_SPEED;

export function isKnownEncoding(encoding: string): boolean {
  return encoding === IDENTITY || encoding === "" || encoding === GZIP;
}

export function accepts(acceptEncoding: string, encoding: string): boolean {
  return acceptEncoding.split(",").some((name) => name.trim() === encoding);
}

/** The message behind a prefix whose first byte is `flag`. */
export function decompress(flag: number, message: Buffer, encoding: string, maxBytes: number): Buffer {
  if (flag === 0) return message;
  if (flag !== 1) throw failure(Code.internal, `grpc: received unexpected payload format ${flag}`);
  if (encoding === "" || encoding === IDENTITY) {
    throw failure(Code.internal, "grpc: compressed flag set with identity or empty encoding");
  }
  if (encoding !== GZIP) throw unknownEncoding(encoding);
  try {
    // zlib takes 0 for no limit
    return gunzipSync(message, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      const text = `grpc: received message after decompression larger than max ${maxBytes}`;
      throw failure(Code.resourceExhausted, text);
    }
    throw failure(Code.internal, `grpc: failed to decompress the message: ${(error as Error).message}`);
  }
}

export function unknownEncoding(encoding: string): StatusError {
  const message = `grpc: Decompressor is not installed for grpc-encoding ${goQuote(encoding)}`;
  return failure(Code.unimplemented, message);
}

/** What goes to a thousand streams is compressed once. */
const compressed = new WeakMap<Buffer, Buffer>();

export function compress(message: Buffer): Buffer {
  let result = compressed.get(message);
  if (result === undefined) {
    result = gzipSync(message, { level: LEVEL });
    compressed.set(message, result);
  }
  return result;
}

function failure(code: number, message: string): StatusError {
  return new StatusError(code, message);
}
