/** How long a connection is waited for: everything that ends it because time has passed. */

import type { Options } from "../options.js";
import { Keepalive } from "./keepalive.js";

/** What a connection looks like at one moment. */
export interface Signs {
  /** The client's first SETTINGS came. */
  readonly hasSettings: boolean;
  /** It has acknowledged the server's. */
  readonly isAcknowledged: boolean;
  /** A frame or a header block has begun, and is not complete. */
  readonly isInsideFrame: boolean;
  readonly framesRead: number;
  readonly isWriting: boolean;
  readonly writesDone: number;
}

export type Verdict = "wait" | "ping" | "settings-timeout" | "drop";

export class Patience {
  private readonly keepalive: Keepalive;
  private readonly reading = new StallWatch();
  private readonly writing = new StallWatch();
  private ageMs = 0;

  constructor(private readonly options: Options) {
    this.keepalive = new Keepalive(options.keepaliveIntervalMs, options.keepaliveTimeoutMs);
  }

  /** Something came from the client. */
  heard(): void {
    this.keepalive.heard();
  }

  pass(ms: number, signs: Signs): Verdict {
    const { handshakeTimeoutMs, settingsTimeoutMs, frameTimeoutMs, writeTimeoutMs } = this.options;
    this.ageMs += ms;
    const keepalive = this.keepalive.pass(ms);
    const readStallMs = this.reading.pass(ms, signs.isInsideFrame, signs.framesRead);
    const writeStallMs = this.writing.pass(ms, signs.isWriting, signs.writesDone);
    if (!signs.hasSettings && this.ageMs >= handshakeTimeoutMs) return "drop";
    if (readStallMs >= frameTimeoutMs || writeStallMs >= writeTimeoutMs || keepalive === "gone")
      return "drop";
    if (!signs.isAcknowledged && this.ageMs >= settingsTimeoutMs) return "settings-timeout";
    return keepalive === "ping" ? "ping" : "wait";
  }
}

/** Measures how long something has been under way without any progress. */
class StallWatch {
  private stalledMs = 0;
  private progressAtLastLook = -1;

  pass(ms: number, isUnderWay: boolean, progress: number): number {
    this.stalledMs = isUnderWay && progress === this.progressAtLastLook ? this.stalledMs + ms : 0;
    this.progressAtLastLook = progress;
    return this.stalledMs;
  }
}
