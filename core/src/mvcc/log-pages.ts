import { setImmediate as nextTurn } from "node:timers/promises";
import type { ChangesPage, LoggedRevision, QueryStorage } from "../storage/index.js";

const PAGE_BYTES = 4 * 1024 * 1024;
const FIRST_LIMIT = 256;
const MAX_LIMIT = 2_000;

/**
 * What the log holds of the revisions in (after, through], in pages of bounded size: their length follows the size
 * of what the last one held. Gives everybody else a turn after each.
 */
export async function* logPages(
  storage: QueryStorage,
  after: bigint,
  through: bigint,
): AsyncGenerator<readonly LoggedRevision[]> {
  let limit = FIRST_LIMIT;
  for (let from = after; from < through; ) {
    const query = { after: from, through, interval: null, limit, previous: false };
    const page: ChangesPage = await storage.changes(query);
    if (page.revisions.length > 0) yield page.revisions;
    from = page.through;
    limit = nextLimit(page.revisions, limit);
    await nextTurn();
  }
}

function nextLimit(revisions: readonly LoggedRevision[], limit: number): number {
  let changes = 0;
  let bytes = 0;
  for (const revision of revisions) {
    changes += revision.changes.length;
    for (const { field } of revision.changes) bytes += field.length;
  }
  if (changes === 0) return limit;
  return Math.min(MAX_LIMIT, Math.max(1, Math.floor((PAGE_BYTES * changes) / bytes)));
}
