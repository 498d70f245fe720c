import { type Head, StorageError } from "@etcd-adapter/core/storage";
import type { Row } from "./connection.js";

export function headOf([sequence, revision, compacted]: Row): Head {
  return { sequence: integer(sequence), revision: integer(revision), compacted: integer(compacted) };
}

/** Of a 64-bit integer, which comes as a number where that is exact, else as a string. */
export function integer(value: Row[number] | undefined): bigint {
  return BigInt(value as string | number);
}

/**
 * Under kills of the server and a full disk, MariaDB was seen to miss a row that was there in the same snapshot, as its
 * other index told, once in some ten thousand reads. To ask again is better than an answer that contradicts itself.
 */
export function refuseTorn(rows: number, counted: bigint): void {
  if (counted === BigInt(rows)) return;
  throw new StorageError(
    "unavailable",
    `the database has ${rows} rows and counts ${counted} in one snapshot`,
  );
}
