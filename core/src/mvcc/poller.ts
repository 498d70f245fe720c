/** Asks once whether something moved; a rejection counts as silence. */
export type Probe = () => Promise<boolean>;

export interface Poll {
  stop(): void;
}

export interface PollerOptions {
  /** Milliseconds between probes while changes come … */
  readonly fastMs: number;
  /** … and when nothing has come for long: each silent probe makes the wait longer by half. */
  readonly slowMs: number;
}

export const DEFAULT_POLLER: PollerOptions = { fastMs: 10, slowMs: 100 };

interface Entry {
  readonly probe: Probe;
  waitMs: number;
  due: number;
  running: boolean;
}

/** One timer for every storage of the process that has to be asked. */
export class Poller {
  private readonly entries = new Set<Entry>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: PollerOptions = DEFAULT_POLLER) {}

  add(probe: Probe): Poll {
    const entry: Entry = { probe, waitMs: this.options.fastMs, due: performance.now(), running: false };
    this.entries.add(entry);
    this.schedule();
    return {
      stop: () => {
        this.entries.delete(entry);
        this.schedule();
      },
    };
  }

  private schedule(): void {
    clearTimeout(this.timer);
    let due = Number.POSITIVE_INFINITY;
    for (const entry of this.entries) if (!entry.running && entry.due < due) due = entry.due;
    if (due === Number.POSITIVE_INFINITY) return;
    this.timer = setTimeout(() => this.fire(), Math.max(0, due - performance.now()));
    this.timer.unref();
  }

  private fire(): void {
    const now = performance.now();
    for (const entry of this.entries) if (!entry.running && entry.due <= now) void this.run(entry);
    this.schedule();
  }

  private async run(entry: Entry): Promise<void> {
    entry.running = true;
    const moved = await entry.probe().catch(() => false);
    entry.running = false;
    const { fastMs, slowMs } = this.options;
    entry.waitMs = moved ? fastMs : Math.min(slowMs, entry.waitMs * 1.5);
    entry.due = performance.now() + entry.waitMs;
    this.schedule();
  }
}

/** The process's one poller. */
export const sharedPoller = new Poller();
