/** Frames of HTTP/2 (RFC 9113) and header fields of HPACK (RFC 7541), as little as a client can do with. */

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const MAX_FRAME_BYTES = 16_384;
export const END_STREAM = 1;
export const END_HEADERS = 4;
export const FrameType = { data: 0, headers: 1, reset: 3, settings: 4, continuation: 9 } as const;

export function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** A literal field that no table keeps. */
export function header(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

/** The bytes in runs of so many at most; one, empty, if there are none. */
export function atMost(bytes: Buffer, size: number): Buffer[] {
  const count = Math.max(1, Math.ceil(bytes.length / size));
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

function text(characters: string): Buffer {
  const bytes = Buffer.from(characters, "latin1");
  const length: number[] = [];
  let rest = bytes.length;
  if (rest < 0x7f) length.push(rest);
  else {
    length.push(0x7f);
    for (rest -= 0x7f; rest >= 0x80; rest = Math.floor(rest / 0x80)) length.push((rest % 0x80) | 0x80);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
