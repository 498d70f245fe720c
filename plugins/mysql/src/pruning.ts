import type { PruneStep } from "@etcd-adapter/core/storage/sql";
import type { Connection } from "./connection.js";
import type { Statements } from "./statements.js";

/** One batch: what goes is found first, so that the transaction locks just those rows, and for no longer than it takes. */
export async function prune(connection: Connection, sql: Statements, step: PruneStep): Promise<void> {
  const { window, pruned, sequences } = step;
  const changes: string[] = [];
  if (window) {
    const rows = (await connection.run(sql.unreachable(window))).flat();
    const unique = new Set(rows.map(([revision, sub]) => `(${revision}, ${sub})`));
    changes.push(...sql.deleteRows([...unique]), ...sql.setPruned(pruned));
  }
  if (sequences.through > sequences.after) changes.push(...sql.forget(sequences));
  try {
    await connection.run(["rollback", "begin", ...changes, "commit"]);
  } catch (error) {
    connection.run(["rollback"]).catch(() => {});
    throw error;
  }
}
