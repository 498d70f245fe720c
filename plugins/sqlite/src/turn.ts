import { setImmediate as nextTurn } from "node:timers/promises";

/** What reads may take of one turn of the event loop. */
const TURN_MS = 5;

/**
 * Reads on the main thread never wait for anything, so a caller that reads in a loop would keep every message, the
 * writer's answers among them, from ever arriving. Once they have used up a turn, reads wait for the next.
 */
export class Turn {
  private startedAt: number | undefined;

  async share(): Promise<void> {
    while (this.startedAt !== undefined && performance.now() - this.startedAt > TURN_MS) await nextTurn();
    if (this.startedAt !== undefined) return;
    this.startedAt = performance.now();
    setImmediate(() => {
      this.startedAt = undefined;
    });
  }
}
