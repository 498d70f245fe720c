const INTERVAL_MS = 2_000;

/** A line now and then about how far a move is. */
export class Progress {
  private what = "";
  private unit = "";
  private startedAt = 0;
  private lastAt = 0;
  private lastCount = 0;
  private count = 0;

  constructor(private readonly print: (line: string) => void) {}

  /** Begins a step, such as "reading the source". */
  begin(what: string, unit: "keys" | "versions" = "keys"): void {
    this.what = what;
    this.unit = unit;
    this.count = 0;
    this.lastCount = 0;
    this.startedAt = performance.now();
    this.lastAt = this.startedAt;
    this.print(`${what} …`);
  }

  /** So many are done in this step. */
  at(count: number): void {
    this.count = count;
    const now = performance.now();
    if (now - this.lastAt < INTERVAL_MS) return;
    const rate = ((count - this.lastCount) * 1_000) / (now - this.lastAt);
    this.lastAt = now;
    this.lastCount = count;
    this.print(`${this.what}: ${grouped(count)} ${this.unit}, ${grouped(rate)} ${this.unit}/s`);
  }

  add(count: number): void {
    this.at(this.count + count);
  }

  end(): void {
    const seconds = (performance.now() - this.startedAt) / 1_000;
    this.print(`${this.what}: ${grouped(this.count)} ${this.unit} in ${seconds.toFixed(1)} s`);
  }

  note(sentence: string): void {
    this.print(sentence);
  }
}

export function grouped(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
