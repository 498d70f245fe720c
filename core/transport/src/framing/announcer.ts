/** What the server says about the connection itself. */

import type { Options } from "../options.js";
import type { Output } from "./output.js";
import { Flag, FrameType, PING_BYTES, Setting } from "./protocol.js";
import { encodeSettings } from "./settings.js";

export class Announcer {
  constructor(private readonly output: Output) {}

  settings({ maxConcurrentStreams, streamWindowBytes, maxHeaderListBytes }: Options): void {
    const payload = encodeSettings([
      [Setting.maxConcurrentStreams, maxConcurrentStreams],
      [Setting.initialWindowSize, streamWindowBytes],
      [Setting.maxHeaderListSize, maxHeaderListBytes],
    ]);
    this.output.frameHeader(payload.length, FrameType.settings, 0, 0);
    this.output.append(payload);
  }

  settingsAcknowledged(): void {
    this.output.frameHeader(0, FrameType.settings, Flag.ack, 0);
  }

  ping(payload: Buffer): void {
    this.output.frameHeader(PING_BYTES, FrameType.ping, 0, 0);
    this.output.append(payload);
  }

  pong(payload: Buffer): void {
    this.output.frameHeader(PING_BYTES, FrameType.ping, Flag.ack, 0);
    this.output.append(payload);
  }

  goAway(lastStreamId: number, code: number, message: string): void {
    const payload = Buffer.alloc(8 + Buffer.byteLength(message));
    payload.writeUInt32BE(lastStreamId, 0);
    payload.writeUInt32BE(code, 4);
    payload.write(message, 8);
    this.output.frameHeader(payload.length, FrameType.goaway, 0, 0);
    this.output.append(payload);
  }
}
