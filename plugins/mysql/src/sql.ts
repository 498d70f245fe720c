import type { SplitKey } from "@etcd-adapter/core/storage/sql";

/** Bytes in a statement. No escape, no character set can change them. */
export function bytes(value: Buffer): string {
  return `x'${value.toString("hex")}'`;
}

export function keyTuple({ prefix, hash }: SplitKey): string {
  return `(${bytes(prefix)}, ${bytes(hash)})`;
}

/** `head` followed by rows, in as many statements as it takes to keep each below `maxBytes`. */
export function multiRow(head: string, rows: readonly string[], tail: string, maxBytes: number): string[] {
  const statements: string[] = [];
  let taken: string[] = [];
  let length = 0;
  for (const row of rows) {
    if (taken.length > 0 && length + row.length > maxBytes) {
      statements.push(`${head} ${taken.join(", ")} ${tail}`);
      taken = [];
      length = 0;
    }
    taken.push(row);
    length += row.length + 2;
  }
  if (taken.length > 0) statements.push(`${head} ${taken.join(", ")} ${tail}`);
  return statements;
}
