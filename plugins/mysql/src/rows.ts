import type { Head } from "@etcd-adapter/core/storage";
import type { Connection, Row } from "./connection.js";

/** Statements that read, in one snapshot and one round trip. */
export async function inSnapshot(
  connection: Connection,
  statements: readonly string[],
  maxBytes?: number,
): Promise<Row[][]> {
  if (statements.length === 1) return connection.run(statements, maxBytes);
  const all = ["start transaction with consistent snapshot", ...statements, "commit"];
  return (await connection.run(all, maxBytes)).slice(1, -1);
}

export function headOf([sequence, revision, compacted]: Row): Head {
  return { sequence: integer(sequence), revision: integer(revision), compacted: integer(compacted) };
}

/** Of a 64-bit integer, which comes as a number where that is exact, else as a string. */
export function integer(value: Row[number] | undefined): bigint {
  return BigInt(value as string | number);
}
