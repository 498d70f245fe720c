import type { Head, RangePage, RangeQuery } from "../model.js";
import { type Keyspace, keyBounds } from "./keyspace.js";
import { type Version, writePacked } from "./version.js";

/** A page is built in one go: this bounds how long. */
const PAGE_MAX_BYTES = 8 * 1024 * 1024;

/** `revision` is the one to read at, resolved and checked. */
export function readRange(keyspace: Keyspace, query: RangeQuery, head: Head, revision: number): RangePage {
  const bounds = keyBounds(query.interval);
  const found: Version[] = [];
  let bytes = 0;
  let more = false;
  keyspace.scan(bounds, revision, query.descending, (version) => {
    if (found.length >= query.limit || (bytes > PAGE_MAX_BYTES && found.length > 0)) {
      more = true;
      return false;
    }
    found.push(version);
    bytes += version.field.length;
    return true;
  });
  return {
    head,
    fields: concatenate(found, bytes),
    rows: found.length,
    more,
    count: query.count ? BigInt(count()) : 0n,
  };

  function count(): number {
    if (revision === Number(head.revision)) return keyspace.countNewest(bounds);
    return keyspace.countAt(bounds, revision);
  }
}

function concatenate(versions: readonly Version[], bytes: number): Buffer {
  const fields = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const version of versions) at = writePacked(fields, at, version.field);
  return fields;
}
