/** The middle of several samples, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Of no samples there is nothing to say. */
export function spreadOf(samples: readonly number[]): Spread | undefined {
  const sorted = [...samples].sort((a, b) => a - b);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) return undefined;
  const middle = sorted.length / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
  return { median: sorted.length % 2 === 0 ? median : sorted[Math.floor(middle)]!, least, most };
}
