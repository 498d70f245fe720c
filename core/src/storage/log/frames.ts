import { corrupt } from "./corrupt.js";

/** Cuts a stream into frames again, each a length (4 bytes) and so many bytes, wherever its chunks end. */
export async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    pending.push(chunk);
    pendingBytes += chunk.length;
    if (pendingBytes < 4 || pendingBytes < 4 + frameLength(pending)) continue;
    let bytes = pending.length === 1 ? pending[0]! : Buffer.concat(pending, pendingBytes);
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32LE()) {
      const end = 4 + bytes.readUInt32LE();
      yield bytes.subarray(4, end);
      bytes = bytes.subarray(end);
    }
    pending = bytes.length > 0 ? [bytes] : [];
    pendingBytes = bytes.length;
  }
  if (pendingBytes > 0) throw corrupt("A snapshot ends inside a frame");
}

export function frame(body: Buffer): Buffer {
  const whole = Buffer.allocUnsafe(4 + body.length);
  whole.writeUInt32LE(body.length);
  whole.set(body, 4);
  return whole;
}

function frameLength(pending: Buffer[]): number {
  if (pending[0]!.length < 4) pending.splice(0, pending.length, Buffer.concat(pending));
  return pending[0]!.readUInt32LE();
}
