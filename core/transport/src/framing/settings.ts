/** SETTINGS frames. */
import { ConnectionError, ErrorCode, FRAME_BYTES_MAX, Setting, WINDOW_BYTES_MAX } from "./protocol.js";

const ENTRY_BYTES = 6;
const FRAME_BYTES_LIMIT = 2 ** 24 - 1;

export interface PeerSettings {
  headerTableBytes?: number;
  initialWindowBytes?: number;
}

/** What of a client's SETTINGS this server acts on. */
export function parseSettings(bytes: Buffer, start: number, end: number): PeerSettings {
  if ((end - start) % ENTRY_BYTES !== 0) {
    throw new ConnectionError(ErrorCode.frameSizeError, "SETTINGS of a length that is no multiple of 6");
  }
  const settings: PeerSettings = {};
  for (let at = start; at < end; at += ENTRY_BYTES) {
    const value = bytes.readUInt32BE(at + 2);
    switch (bytes.readUInt16BE(at)) {
      case Setting.headerTableSize:
        settings.headerTableBytes = value;
        break;
      case Setting.enablePush:
        if (value > 1) throw invalid("SETTINGS_ENABLE_PUSH", value);
        break;
      case Setting.initialWindowSize:
        if (value > WINDOW_BYTES_MAX) {
          throw new ConnectionError(ErrorCode.flowControlError, `SETTINGS_INITIAL_WINDOW_SIZE of ${value}`);
        }
        settings.initialWindowBytes = value;
        break;
      case Setting.maxFrameSize:
        if (value < FRAME_BYTES_MAX || value > FRAME_BYTES_LIMIT)
          throw invalid("SETTINGS_MAX_FRAME_SIZE", value);
        break;
      default:
        break;
    }
  }
  return settings;
}

export function encodeSettings(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const bytes = Buffer.alloc(settings.length * ENTRY_BYTES);
  settings.forEach(([id, value], index) => {
    bytes.writeUInt16BE(id, index * ENTRY_BYTES);
    bytes.writeUInt32BE(value, index * ENTRY_BYTES + 2);
  });
  return bytes;
}

function invalid(name: string, value: number): ConnectionError {
  return new ConnectionError(ErrorCode.protocolError, `${name} of ${value}`);
}
