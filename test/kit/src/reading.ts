import assert from "node:assert/strict";
import {
  type ChangesQuery,
  type Head,
  isStorageError,
  type LoggedRevision,
  type QueryStorage,
  type RangeQuery,
  type StorageErrorCode,
} from "@etcd-adapter/core/storage";
import { decodeField, splitFields } from "./key-value.js";

export const EVERYTHING = { start: Buffer.alloc(0), end: null };

export async function rejectsWith(code: StorageErrorCode, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(isStorageError(error, code), `${code} was expected, not ${String(error)}`);
    return true;
  });
}

export function rangeQuery(query: Partial<RangeQuery>): RangeQuery {
  return {
    interval: EVERYTHING,
    revision: 0n,
    limit: 10_000,
    count: false,
    descending: false,
    linearizable: true,
    ...query,
  };
}

/** The fields of the whole range, over as many pages as the storage makes of it. */
export async function readAll(
  storage: QueryStorage,
  query: RangeQuery,
): Promise<{ head: Head; fields: Buffer[] }> {
  const fields: Buffer[] = [];
  let { interval, revision } = query;
  let head: Head | undefined;
  for (;;) {
    const page = await storage.range({ ...query, interval, revision, limit: query.limit - fields.length });
    head ??= page.head;
    const found = splitFields(page.fields);
    assert.equal(found.length, page.rows, "rows is the number of fields");
    fields.push(...found);
    if (!page.more || fields.length >= query.limit) return { head, fields };
    assert.ok(page.rows > 0, "more without a row");
    revision = revision === 0n ? page.head.revision : revision;
    const last = decodeField(found.at(-1)!).key;
    interval = query.descending
      ? { start: interval.start, end: last }
      : { start: Buffer.concat([last, Buffer.of(0)]), end: interval.end };
  }
}

/** The log of (after, through] in as many pages as it takes, each checked for the page's promises. */
export async function readChanges(storage: QueryStorage, query: ChangesQuery): Promise<LoggedRevision[]> {
  const revisions: LoggedRevision[] = [];
  let { after } = query;
  do {
    const page = await storage.changes({ ...query, after });
    assert.ok(page.through > after || after >= query.through, "a page must lead on");
    assert.ok(page.through <= query.through, "a page must not lead beyond the query");
    for (const { revision, changes } of page.revisions) {
      assert.ok(revision > (revisions.at(-1)?.revision ?? query.after), "revisions in order, none twice");
      assert.ok(revision <= page.through, "no revision beyond the page's through");
      assert.ok(changes.length > 0, "no revision without changes");
      revisions.push({ revision, changes });
    }
    after = page.through;
  } while (after < query.through);
  return revisions;
}
