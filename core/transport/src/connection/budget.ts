/** An allowance that refills with time, and with work that was done. */
export class Budget {
  private left: number;

  constructor(
    private readonly burst: number,
    private readonly perSecond: number,
  ) {
    this.left = burst;
  }

  /** False once it is used up. */
  spend(amount = 1): boolean {
    this.left -= amount;
    return this.left >= 0;
  }

  earn(amount: number): void {
    if (this.left < this.burst) this.left += amount;
  }

  pass(ms: number): void {
    this.left = Math.min(this.burst, this.left + (this.perSecond * ms) / 1_000);
  }
}
