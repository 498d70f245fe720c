import type { ChangesPage, ChangesQuery, LoggedChange, LoggedRevision } from "../model.js";
import type { LogPage, LogRow, SqlDriver } from "./driver.js";

/** Whole revisions from pages of rows, which may end anywhere. */
export async function readChanges(driver: SqlDriver, query: ChangesQuery): Promise<ChangesPage> {
  const { interval, previous } = query;
  const limit = Math.max(1, query.limit);
  const after = { revision: query.after + 1n, sub: -1 };
  const page = await driver.logRows({ after, through: query.through, interval, limit, previous });
  const whole = wholeRevisions(page, query.through);
  if (whole) return whole;

  const last = page.rows.at(-1)!.revision;
  const rows = [...page.rows];
  for (let more = true; more; ) {
    const { revision, change } = rows.at(-1)!;
    const behind = { revision, sub: change.sub };
    const rest = await driver.logRows({ after: behind, through: last, interval, limit, previous });
    for (const row of rest.rows) rows.push(row);
    more = rest.more;
  }
  return { revisions: byRevision(rows), through: last };
}

/** Undefined when the page's first revision goes on behind it. */
export function wholeRevisions({ rows, more }: LogPage, through: bigint): ChangesPage | undefined {
  if (!more) return { revisions: byRevision(rows), through };
  const last = rows.at(-1)!.revision;
  const whole = rows.filter((row) => row.revision < last);
  return whole.length > 0 ? { revisions: byRevision(whole), through: last - 1n } : undefined;
}

function byRevision(rows: readonly LogRow[]): LoggedRevision[] {
  const revisions: LoggedRevision[] = [];
  let changes: LoggedChange[] = [];
  for (const { revision, change } of rows) {
    if (revision !== revisions.at(-1)?.revision) {
      changes = [];
      revisions.push({ revision, changes });
    }
    changes.push(change);
  }
  return revisions;
}
