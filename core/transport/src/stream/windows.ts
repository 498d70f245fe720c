/** What this end may still receive, by the credit that it has given. */
export class ReceiveWindow {
  private credit: number;
  private owed = 0;

  constructor(private readonly fullBytes: number) {
    this.credit = fullBytes;
  }

  /** Books received bytes; false if they were more than allowed. */
  receive(bytes: number): boolean {
    this.credit -= bytes;
    return this.credit >= 0;
  }

  /** Frees bytes for the sender again; the increment to announce now, mostly 0: half a window at a time. */
  release(bytes: number): number {
    this.owed += bytes;
    if (this.owed * 2 < this.fullBytes) return 0;
    const increment = this.owed;
    this.owed = 0;
    this.credit += increment;
    return increment;
  }
}
