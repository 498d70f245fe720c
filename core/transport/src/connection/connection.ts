/** One HTTP/2 connection: how it lives and ends. */
import type { Socket } from "node:net";
import { canceled, serverStopped } from "../call/status.js";
import { Announcer } from "../framing/announcer.js";
import type { BlockPool, Flusher } from "../framing/blocks.js";
import { FrameReader } from "../framing/frame-reader.js";
import { Output } from "../framing/output.js";
import {
  ConnectionError,
  ErrorCode,
  INITIAL_WINDOW_BYTES,
  PING_BYTES,
  STREAM_ID_MAX,
} from "../framing/protocol.js";
import type { Options } from "../options.js";
import type { Router } from "../router.js";
import type { OtherHandler } from "../service.js";
import { Sender } from "../stream/sender.js";
import { Streams } from "../stream/streams.js";
import type { BusyPoll } from "./busy-poll.js";
import { IncomingFrames } from "./incoming-frames.js";
import { Patience } from "./patience.js";
import { peerOf } from "./peer.js";

/** What the connections of one server share. */
export interface ConnectionContext {
  readonly options: Options;
  readonly router: Router;
  readonly pool: BlockPool;
  readonly flusher: Flusher;
  readonly busyPoll: BusyPoll;
}

const DRAIN_PING = Buffer.from([1, 6, 1, 8, 0, 3, 3, 9]);
const KEEPALIVE_PING = Buffer.alloc(PING_BYTES);

/** Above it the client is not read: it asks for answers that it does not take. */
const BACKLOG_BYTES_MAX = 2 * 1024 * 1024;

type Phase = "open" | "draining" | "drained" | "closing" | "closed";

export class Connection {
  private phase: Phase = "open";
  private phaseMs = 0;
  private readonly options: Options;
  private readonly busyPoll: BusyPoll;
  private readonly output: Output;
  private readonly say: Announcer;
  private readonly sender: Sender;
  private readonly streams: Streams;
  private readonly frames: IncomingFrames;
  private readonly reader: FrameReader;
  private readonly patience: Patience;
  private isPaused = false;

  constructor(
    private readonly socket: Socket,
    context: ConnectionContext,
    private readonly onClosed: (connection: Connection) => void,
    onOther: OtherHandler | undefined,
  ) {
    const { options, pool, flusher, router, busyPoll } = context;
    this.options = options;
    this.busyPoll = busyPoll;
    this.output = new Output(socket, pool, flusher, () => this.written());
    this.say = new Announcer(this.output);
    this.sender = new Sender(this.output, options.sendQueueBytes);
    this.streams = new Streams(
      options,
      this.sender,
      peerOf(socket),
      router,
      this.output,
      () => this.idle(),
      onOther,
    );
    const { output, say, sender, streams } = this;
    this.frames = new IncomingFrames({ options, output, say, sender, streams }, (payload) =>
      this.ponged(payload),
    );
    this.reader = new FrameReader(this.frames);
    this.patience = new Patience(options);
    this.say.settings(options);
    const increment = options.connectionWindowBytes - INITIAL_WINDOW_BYTES;
    if (increment > 0) this.output.windowUpdate(0, increment);
  }

  receive(chunk: Buffer): void {
    if (this.isOver) return;
    this.patience.heard();
    this.busyPoll.heard();
    try {
      this.reader.read(chunk);
    } catch (error) {
      this.fail(error);
    }
    if (!this.isPaused && this.output.backlog > BACKLOG_BYTES_MAX) {
      this.isPaused = true;
      this.output.flush();
      this.socket.pause();
    }
  }

  /** Lets the calls in progress come to their end, and no others begin. */
  drain(): void {
    if (this.phase !== "open") return;
    this.enter("draining");
    // The client may have sent more requests by the time it reads this: the ping tells when that is over.
    this.say.goAway(STREAM_ID_MAX, ErrorCode.noError, "");
    this.say.ping(DRAIN_PING);
  }

  /** Ends everything now, with a status for every call. */
  stop(): void {
    if (this.isOver) return;
    this.streams.terminateAll(serverStopped());
    this.close(ErrorCode.noError, "");
  }

  /** The socket is closed. */
  closed(): void {
    if (this.phase === "closed") return;
    this.enter("closed");
    this.output.close();
    if (this.streams.size > 0) this.streams.abortAll(canceled());
    this.onClosed(this);
  }

  /** Called every `ms` milliseconds: all that depends on time. */
  tick(ms: number): void {
    const { options, frames } = this;
    this.phaseMs += ms;
    this.frames.pass(ms);
    if (this.phase === "closing") {
      if (this.phaseMs >= options.lingerMs) this.socket.destroy();
      return;
    }
    const verdict = this.patience.pass(ms, {
      hasSettings: frames.hasSettings,
      isAcknowledged: frames.isAcknowledged,
      isInsideFrame: this.reader.isInside || frames.isInsideBlock,
      framesRead: frames.count,
      isWriting: this.output.backlog > 0,
      writesDone: this.output.writesDone,
    });
    if (verdict === "drop") {
      this.socket.destroy();
      return;
    }
    if (verdict === "settings-timeout") {
      this.close(ErrorCode.settingsTimeout, "SETTINGS were not acknowledged");
      return;
    }
    if (verdict === "ping") this.say.ping(KEEPALIVE_PING);
    this.streams.tick(ms);
    if (this.phase === "draining" && this.phaseMs >= options.drainPingTimeoutMs) this.drained();
  }

  /** The client has answered a ping. */
  private ponged(payload: Buffer): void {
    if (this.phase === "draining" && payload.equals(DRAIN_PING)) this.drained();
  }

  private drained(): void {
    this.enter("drained");
    this.streams.acceptUpTo = this.streams.lastId;
    this.say.goAway(this.streams.lastId, ErrorCode.noError, "");
    this.idle();
  }

  /** No stream is open. */
  private idle(): void {
    if (this.phase === "drained" && this.streams.size === 0) this.close(undefined, "");
  }

  private fail(error: unknown): void {
    if (error instanceof ConnectionError) {
      this.close(error.code, error.message);
    } else {
      this.close(ErrorCode.internalError, "");
      this.options.onFault(error);
    }
  }

  /** Says goodbye, and listens on for a moment: closing on unread bytes would destroy what was said. */
  private close(code: ErrorCode | undefined, message: string): void {
    if (this.isOver) return;
    this.enter("closing");
    if (code !== undefined) this.say.goAway(this.streams.lastId, code, message);
    this.output.flush();
    if (this.streams.size > 0) this.streams.abortAll(canceled());
    this.socket.resume();
    this.socket.end();
  }

  private written(): void {
    this.sender.pump();
    if (this.isPaused && this.output.backlog <= BACKLOG_BYTES_MAX / 2) {
      this.isPaused = false;
      this.socket.resume();
    }
  }

  private enter(phase: Phase): void {
    this.phase = phase;
    this.phaseMs = 0;
  }

  private get isOver(): boolean {
    return this.phase === "closing" || this.phase === "closed";
  }
}
