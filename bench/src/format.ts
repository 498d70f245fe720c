import type { Spread } from "./figures.js";

/** Three digits that count; thousands with commas. */
export function shortNumber(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) < 100) return String(Number(value.toPrecision(value < 1 ? 2 : 3)));
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.abs(value))) - 2);
  return (Math.round(value / unit) * unit).toLocaleString("en-US");
}

export function shortRatio({ median, least, most }: Spread): string {
  const [middle, low, high] = [median, least, most].map((ratio) => ratio.toFixed(ratio < 10 ? 2 : 1));
  return low === high ? `${middle} ×` : `${middle} × (${low}–${high})`;
}

export function shortSpread({ median, least, most }: Spread, unit: string): string {
  const spread = least === most ? "" : ` (${shortNumber(least)}–${shortNumber(most)})`;
  return `${shortNumber(median)}${unit}${spread}`;
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? "---" : "--:"))), ...rows.map(line)].join(
    "\n",
  );
}
