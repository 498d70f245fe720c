/** Frames as a client writes and reads them, good and bad. */

import { writeFrameHeader } from "../framing/output.js";
import { Flag, FrameType, PREFACE } from "../framing/protocol.js";
import { encodeSettings } from "../framing/settings.js";
import { HpackDecoder } from "../hpack/decoder.js";
import { HpackEncoder } from "../hpack/encoder.js";
import { Field } from "../hpack/field.js";

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export type Headers = readonly (readonly [name: string, value: string])[];

export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  writeFrameHeader(bytes, 0, payload.length, type, flags, streamId);
  payload.copy(bytes, 9);
  return bytes;
}

export function settings(...entries: [number, number][]): Buffer {
  return frame(FrameType.settings, 0, 0, encodeSettings(entries));
}

export const SETTINGS_ACK = frame(FrameType.settings, Flag.ack, 0);
export const HELLO = Buffer.concat([PREFACE, settings(), SETTINGS_ACK]);

export function requestHeaders(path: string, more: Headers = []): Headers {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "localhost"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...more,
  ];
}

/** Without a dynamic table, so that every block stands for itself. */
export function block(headers: Headers): Buffer {
  return Buffer.from(new HpackEncoder().encode(headers.map(([name, value]) => new Field(name, value))));
}

export function headers(streamId: number, list: Headers, flags: number = Flag.endHeaders): Buffer {
  return frame(FrameType.headers, flags, streamId, block(list));
}

export function grpcMessage(message: Buffer, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

export function data(streamId: number, payload: Buffer, endStream = true): Buffer {
  return frame(FrameType.data, endStream ? Flag.endStream : 0, streamId, payload);
}

/** A whole unary request. */
export function unary(streamId: number, path: string, message: Buffer, more: Headers = []): Buffer {
  return Buffer.concat([headers(streamId, requestHeaders(path, more)), data(streamId, grpcMessage(message))]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function windowUpdate(streamId: number, increment: number): Buffer {
  return frame(FrameType.windowUpdate, 0, streamId, uint32(increment));
}

export function rstStream(streamId: number, code = 8): Buffer {
  return frame(FrameType.rstStream, 0, streamId, uint32(code));
}

export function ping(payload: Buffer = Buffer.alloc(8), flags = 0): Buffer {
  return frame(FrameType.ping, flags, 0, payload);
}

/** Cuts a server's bytes into frames; what is left over is an incomplete one. */
export function parseFrames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= 9) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const streamId = bytes.readUInt32BE(at + 5);
    frames.push({
      type: bytes.readUInt8(at + 3),
      flags: bytes.readUInt8(at + 4),
      streamId,
      payload: bytes.subarray(at + 9, end),
    });
    at = end;
  }
  return { frames, rest: bytes.subarray(at) };
}

/** Reads the header blocks of one connection, in their order. */
export class BlockReader {
  private readonly decoder = new HpackDecoder();

  read(payload: Buffer): Record<string, string> {
    const fields: Field[] = [];
    this.decoder.decode(payload, 0, payload.length, fields, Number.POSITIVE_INFINITY);
    return Object.fromEntries(fields.map(({ name, value }) => [name, value]));
  }
}
