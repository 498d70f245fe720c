/** What a program may set; every bound on what a client can cost is here. */
import { type Status, StatusError } from "./call/status.js";

export interface Options {
  /** Largest request message, after decompression too. */
  readonly maxReceiveBytes: number;
  /** Calls in progress on one connection, counting handlers that still run after their client cancelled. */
  readonly maxConcurrentStreams: number;
  /** Answers are compressed for clients that take gzip, even if their request was not. */
  readonly compressResponses: boolean;
  /** What a client is told of an error that a handler threw. */
  readonly statusOf: (error: unknown, path: string) => Status;

  /** Told of a fault of this package itself; the connection that it hit is closed. */
  readonly onFault: (error: unknown) => void;

  // Memory
  /** What one stream may send ahead of its handler. Below 65,535 clients that don't wait for SETTINGS can fail. */
  readonly streamWindowBytes: number;
  /** What one connection may have in flight; at least 65,535. */
  readonly connectionWindowBytes: number;
  /** A stream with more to send than this asks its handler to wait. */
  readonly sendQueueBytes: number;
  /** Requests of one connection, whole or in part, that no handler took yet. A call beyond it fails. */
  readonly maxBufferedRequestBytes: number;
  /** With more answers than this unread, a connection gets no new calls. */
  readonly maxUnreadResponseBytes: number;
  /** Of one request, decoded. */
  readonly maxHeaderListBytes: number;
  readonly maxContinuationFrames: number;

  // Floods
  /** Frames that do no work by themselves (SETTINGS, PING, WINDOW_UPDATE, empty DATA, …). Work earns more. */
  readonly controlFrameBurst: number;
  readonly controlFramesPerSecond: number;
  /** Streams that are reset by the client, or by the server for a client's fault. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;

  // Time
  /** From the connection to the client's first SETTINGS. */
  readonly handshakeTimeoutMs: number;
  readonly settingsTimeoutMs: number;
  /** For one frame, or one header block, once it has begun. */
  readonly frameTimeoutMs: number;
  /** For the whole request of a unary call, and for the only one of other calls. */
  readonly requestTimeoutMs: number;
  /** For 16 KiB, or the rest, of a finished answer, if the client's windows hold it back. */
  readonly sendTimeoutMs: number;
  /** For the socket to take anything at all. */
  readonly writeTimeoutMs: number;
  /** Without traffic for so long, the client is pinged, … */
  readonly keepaliveIntervalMs: number;
  /** … and given up without an answer. */
  readonly keepaliveTimeoutMs: number;
  /** Clients that ping more often than this are sent away. */
  readonly minPingIntervalMs: number;
  readonly permitPingsWithoutCalls: boolean;
  /** How long a drain waits for its ping before it goes on. */
  readonly drainPingTimeoutMs: number;
  /** How long a closed connection is still read, so that the client gets to see why. */
  readonly lingerMs: number;
  /** How long the event loop stays awake for clients that have asked again that soon. 0: it always sleeps. */
  readonly busyPollMs: number;
  /** How exact all of the times are that are a second or longer. */
  readonly tickMs: number;
}

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;

export const DEFAULT_OPTIONS: Options = {
  maxReceiveBytes: 4 * MIB,
  maxConcurrentStreams: 4_096,
  compressResponses: false,
  statusOf: statusOfError,
  onFault: (error) => process.emitWarning(error instanceof Error ? error : String(error)),

  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: MIB,
  sendQueueBytes: 64 * 1024,
  maxBufferedRequestBytes: 64 * MIB,
  maxUnreadResponseBytes: 64 * MIB,
  maxHeaderListBytes: 64 * 1024,
  maxContinuationFrames: 32,

  controlFrameBurst: 4_000,
  controlFramesPerSecond: 500,
  resetBurst: 1_000,
  resetsPerSecond: 200,

  handshakeTimeoutMs: 10_000,
  settingsTimeoutMs: 30_000,
  frameTimeoutMs: MINUTE_MS,
  requestTimeoutMs: MINUTE_MS,
  sendTimeoutMs: 2 * MINUTE_MS,
  writeTimeoutMs: MINUTE_MS,
  keepaliveIntervalMs: 120 * MINUTE_MS,
  keepaliveTimeoutMs: 20_000,
  minPingIntervalMs: 5_000,
  permitPingsWithoutCalls: false,
  drainPingTimeoutMs: 5_000,
  lingerMs: 1_000,
  busyPollMs: 0.12,
  tickMs: 1_000,
};

function statusOfError(error: unknown): Status {
  return error instanceof StatusError ? error : { code: 2, message: "internal error" };
}
