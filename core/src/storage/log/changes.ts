import type { ChangesPage, ChangesQuery, LoggedChange, LoggedRevision } from "../model.js";
import type { History } from "./history.js";
import type { KeyBounds } from "./key-tree.js";
import { keyBounds } from "./keyspace.js";
import { previousField, unpack, type Version } from "./version.js";

/** A page may end before its limit, so that big values cannot make it arbitrarily large. */
const PAGE_MAX_BYTES = 8 * 1024 * 1024;

export function readChanges(history: History, query: ChangesQuery): ChangesPage {
  const bounds = query.interval === null ? undefined : keyBounds(query.interval);
  const revisions: { revision: bigint; changes: LoggedChange[] }[] = [];
  let newest = 0;
  let changes = 0;
  let bytes = 0;
  let through = query.through;
  history.scan(Number(query.after), Number(query.through), (version) => {
    if (bounds !== undefined && !isWithin(version.key, bounds)) return true;
    if (version.revision !== newest) {
      if (newest !== 0 && (changes >= query.limit || bytes > PAGE_MAX_BYTES)) {
        through = BigInt(newest);
        return false;
      }
      newest = version.revision;
      revisions.push({ revision: BigInt(newest), changes: [] });
    }
    revisions.at(-1)!.changes.push(logged(version, query.previous));
    changes++;
    bytes += version.field.length;
    return true;
  });
  return { revisions: revisions satisfies LoggedRevision[], through };
}

function isWithin(key: string, { low, high }: KeyBounds): boolean {
  return key >= low && (high === null || key < high);
}

function logged(version: Version, previous: boolean): LoggedChange {
  const change = {
    key: Buffer.from(version.key, "latin1"),
    field: unpack(version.field),
    deleted: version.lease === null,
    previous: BigInt(version.previous),
    lease: version.lease ?? 0n,
    sub: version.sub,
  };
  const field = previous ? previousField(version) : undefined;
  return field === undefined ? change : { ...change, previousField: unpack(field) };
}
