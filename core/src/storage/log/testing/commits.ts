import { randomBytes } from "node:crypto";
import type { Change, Commit, Head, RegistryWrite } from "../../model.js";

export const EVERYTHING = { start: Buffer.alloc(0), end: null };

/** A change whose field is not a key-value: nothing here looks inside. */
export function change(key: string, value: string, options: Partial<Change> = {}): Change {
  return {
    key: Buffer.from(key, "latin1"),
    field: Buffer.from(`${key}=${value};`, "latin1"),
    deleted: false,
    previous: 0n,
    lease: 0n,
    ...options,
  };
}

export function commitOn(
  base: Head,
  content: { revisions?: Change[][]; registry?: RegistryWrite[]; compacted?: bigint } = {},
): Commit {
  const revisions = (content.revisions ?? []).map((changes, index) => ({
    revision: base.revision + BigInt(index) + 1n,
    changes,
  }));
  const head = {
    sequence: base.sequence + 1n,
    revision: base.revision + BigInt(revisions.length),
    compacted: content.compacted ?? base.compacted,
  };
  return { id: randomBytes(16), base, head, revisions, registry: content.registry ?? [] };
}

export function newestRange(limit = 1_000_000) {
  return {
    interval: EVERYTHING,
    revision: 0n,
    limit,
    count: true,
    descending: false,
    linearizable: true,
  };
}
