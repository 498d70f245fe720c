import type { Head } from "@etcd-adapter/core/storage";
import type { Row } from "./connection.js";

export function headOf([sequence, revision, compacted]: Row): Head {
  return { sequence: integer(sequence), revision: integer(revision), compacted: integer(compacted) };
}

/** Of a 64-bit integer, which comes as a number where that is exact, else as a string. */
export function integer(value: Row[number] | undefined): bigint {
  return BigInt(value as string | number);
}
