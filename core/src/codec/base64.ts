const EMPTY = Buffer.alloc(0);
const PAD = "=".charCodeAt(0);

/**
 * Bytes from base64 as etcd's gateway takes it: the standard or the URL-safe alphabet, padded or not;
 * undefined if it is neither.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const length = text.length;
  if (length === 0) {
    return EMPTY;
  }
  if (length % 4 === 1) {
    return undefined;
  }
  let sextets = length;
  if (length % 4 === 0 && text.charCodeAt(length - 1) === PAD) {
    sextets -= text.charCodeAt(length - 2) === PAD ? 2 : 1;
  }
  // Node passes over what is in neither alphabet, so that bytes are missing then: cheaper to notice than to
  // match the text first.
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== Math.floor((sextets * 3) / 4)) {
    return undefined;
  }
  const urlSafe = text.includes("-") || text.includes("_");
  return urlSafe && (text.includes("+") || text.includes("/")) ? undefined : bytes;
}

export function encodeBase64(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("base64");
}
