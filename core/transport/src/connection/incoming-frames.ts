/** What a client's frames mean to one connection. */
import type { Announcer } from "../framing/announcer.js";
import type { FrameSink } from "../framing/frame-reader.js";
import { type HeaderBlock, HeaderBlocks, selfDependency } from "../framing/header-blocks.js";
import type { Output } from "../framing/output.js";
import {
  ConnectionError,
  ErrorCode,
  Flag,
  FrameType,
  INITIAL_WINDOW_BYTES,
  PING_BYTES,
  StreamError,
  WINDOW_BYTES_MAX,
} from "../framing/protocol.js";
import { parseSettings } from "../framing/settings.js";
import type { Options } from "../options.js";
import type { Sender } from "../stream/sender.js";
import type { Streams } from "../stream/streams.js";
import { ReceiveWindow } from "../stream/windows.js";
import { Budget } from "./budget.js";
import { PingPolicy } from "./keepalive.js";

/** What frames act on. */
export interface FrameTargets {
  readonly options: Options;
  readonly output: Output;
  readonly say: Announcer;
  readonly sender: Sender;
  readonly streams: Streams;
}

/** What sent DATA and new requests earn in control frames: a client may well update two windows for each. */
const CONTROL_FRAMES_PER_WORK = 4;

/** A change of all streams' windows costs a control frame for so many. */
const STREAMS_PER_CONTROL_FRAME = 16;

const PRIORITY_BYTES = 5;

export class IncomingFrames implements FrameSink {
  count = 0;
  /** The client's first SETTINGS came. */
  hasSettings = false;
  /** It has acknowledged the server's. */
  isAcknowledged = false;
  /** The DATA frame at hand has more than padding. */
  private hasData = false;
  private readonly headerBlocks: HeaderBlocks;
  private readonly window: ReceiveWindow;
  private readonly pings: PingPolicy;
  private readonly control: Budget;
  private readonly output: Output;
  private readonly say: Announcer;
  private readonly sender: Sender;
  private readonly streams: Streams;

  /** `onPong` gets the payload of a ping that the client answers. */
  constructor(
    { options, output, say, sender, streams }: FrameTargets,
    private readonly onPong: (payload: Buffer) => void,
  ) {
    this.output = output;
    this.say = say;
    this.sender = sender;
    this.streams = streams;
    this.headerBlocks = new HeaderBlocks(options.maxHeaderListBytes, options.maxContinuationFrames);
    this.window = new ReceiveWindow(Math.max(options.connectionWindowBytes, INITIAL_WINDOW_BYTES));
    this.pings = new PingPolicy(options.minPingIntervalMs, options.permitPingsWithoutCalls);
    this.control = new Budget(options.controlFrameBurst, options.controlFramesPerSecond);
  }

  /** A header block has begun, and is not complete. */
  get isInsideBlock(): boolean {
    return this.headerBlocks.isInside;
  }

  pass(ms: number): void {
    this.control.pass(ms);
  }

  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.begin(type, flags);
    switch (type) {
      case FrameType.headers:
        if (streamId === 0) throw new ConnectionError(ErrorCode.protocolError, "HEADERS without a stream");
        this.headers(this.headerBlocks.headers(flags, streamId, bytes, start, end));
        break;
      case FrameType.continuation:
        this.headers(this.headerBlocks.continuation(flags, streamId, bytes, start, end));
        break;
      case FrameType.priority:
        this.priority(streamId, bytes, start, end);
        break;
      case FrameType.rstStream:
        this.spend();
        expectLength("RST_STREAM", end - start, 4);
        this.streams.reset(streamId);
        break;
      case FrameType.settings:
        this.settings(flags, streamId, bytes, start, end);
        break;
      case FrameType.ping:
        this.pinged(flags, streamId, bytes, start, end);
        break;
      case FrameType.windowUpdate:
        this.spend();
        expectLength("WINDOW_UPDATE", end - start, 4);
        this.windowUpdate(streamId, bytes.readUInt32BE(start) & WINDOW_BYTES_MAX);
        break;
      case FrameType.goaway:
        this.spend();
        if (streamId !== 0) throw new ConnectionError(ErrorCode.protocolError, "GOAWAY on a stream");
        break;
      case FrameType.pushPromise:
        throw new ConnectionError(ErrorCode.protocolError, "PUSH_PROMISE from a client");
      default:
        this.spend();
    }
  }

  dataStart(streamId: number, length: number, flags: number): void {
    this.begin(FrameType.data, flags);
    if (streamId === 0) throw new ConnectionError(ErrorCode.protocolError, "DATA without a stream");
    this.hasData = false;
    if (!this.window.receive(length)) {
      throw new ConnectionError(ErrorCode.flowControlError, "more DATA than the connection's window");
    }
    const increment = this.window.release(length);
    if (increment > 0) this.output.windowUpdate(0, increment);
    this.streams.dataStart(streamId, length);
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.hasData = true;
    this.streams.data(bytes, start, end);
  }

  dataEnd(endStream: boolean): void {
    // padding is no work either
    if (!this.hasData && !endStream) this.spend();
    this.streams.dataEnd(endStream);
  }

  streamFailed(error: StreamError): void {
    this.streams.failed(error);
  }

  private begin(type: number, flags: number): void {
    this.count += 1;
    if (!this.hasSettings && (type !== FrameType.settings || (flags & Flag.ack) !== 0)) {
      throw new ConnectionError(ErrorCode.protocolError, "the first frame is not SETTINGS");
    }
    if (this.headerBlocks.isInside && type !== FrameType.continuation) {
      throw new ConnectionError(ErrorCode.protocolError, "frame inside a header block");
    }
  }

  private headers(block: HeaderBlock | undefined): void {
    if (block === undefined) return;
    this.control.earn(CONTROL_FRAMES_PER_WORK);
    this.streams.headers(block);
  }

  private priority(streamId: number, bytes: Buffer, start: number, end: number): void {
    this.spend();
    if (streamId === 0) throw new ConnectionError(ErrorCode.protocolError, "PRIORITY without a stream");
    if (end - start !== PRIORITY_BYTES) {
      throw new StreamError(streamId, ErrorCode.frameSizeError, "PRIORITY of a wrong length");
    }
    const error = selfDependency(streamId, bytes, start);
    if (error !== undefined) throw error;
  }

  private settings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.spend();
    if (streamId !== 0) throw new ConnectionError(ErrorCode.protocolError, "SETTINGS on a stream");
    if ((flags & Flag.ack) !== 0) {
      expectLength("SETTINGS acknowledgement", end - start, 0);
      this.isAcknowledged = true;
      return;
    }
    const { headerTableBytes, initialWindowBytes } = parseSettings(bytes, start, end);
    this.hasSettings = true;
    this.say.settingsAcknowledged();
    if (headerTableBytes !== undefined) this.sender.blocks.hpack.setMaxTableBytes(headerTableBytes);
    if (initialWindowBytes !== undefined && this.streams.setInitialWindow(initialWindowBytes)) {
      this.spend(this.streams.size / STREAMS_PER_CONTROL_FRAME);
    }
  }

  private pinged(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.spend();
    if (streamId !== 0) throw new ConnectionError(ErrorCode.protocolError, "PING on a stream");
    expectLength("PING", end - start, PING_BYTES);
    const payload = bytes.subarray(start, end);
    if ((flags & Flag.ack) !== 0) {
      this.onPong(payload);
      return;
    }
    this.say.pong(payload);
    const { sender } = this;
    const isPermitted = this.pings.permits(performance.now(), this.streams.size > 0, sender.hasSent);
    sender.hasSent = false;
    if (!isPermitted) throw new ConnectionError(ErrorCode.enhanceYourCalm, "too_many_pings");
  }

  private windowUpdate(streamId: number, increment: number): void {
    if (streamId !== 0) {
      this.streams.windowUpdate(streamId, increment);
      return;
    }
    const { sender } = this;
    if (increment === 0) throw new ConnectionError(ErrorCode.protocolError, "WINDOW_UPDATE of 0");
    if (sender.window + increment > WINDOW_BYTES_MAX) {
      throw new ConnectionError(ErrorCode.flowControlError, "window of the connection too large");
    }
    sender.window += increment;
    sender.pump();
  }

  /** Pays for a frame that is no work. */
  private spend(amount = 1): void {
    this.control.earn(CONTROL_FRAMES_PER_WORK * this.sender.takeDataFrames());
    if (!this.control.spend(amount))
      throw new ConnectionError(ErrorCode.enhanceYourCalm, "too_many_control_frames");
  }
}

function expectLength(name: string, length: number, expected: number): void {
  if (length === expected) return;
  throw new ConnectionError(ErrorCode.frameSizeError, `${name} of ${length} bytes`);
}
