import { randomBytes } from "node:crypto";

/** A name that no one else has: of a database, of a prefix, of a znode. */
export function freshName(): string {
  return `test_${randomBytes(6).toString("hex")}`;
}
