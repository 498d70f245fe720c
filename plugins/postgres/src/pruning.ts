import type { PruneStep } from "@etcd-adapter/core/storage/sql";
import type { Connection, Value } from "./connection.js";
import type { Statements } from "./statements.js";

/** One batch as one transaction in one round trip. */
export async function prune(connection: Connection, sql: Statements, step: PruneStep): Promise<void> {
  const { window, pruned, sequences } = step;
  const answers: Promise<Value[][]>[] = [connection.run("begin")];
  if (window) {
    const { after, through, compacted } = window;
    const rows = { ...after, throughRevision: through.revision, throughSub: through.sub };
    answers.push(
      connection.call(sql.pruneReplaced, rows),
      connection.call(sql.pruneWithin, rows),
      connection.call(sql.pruneDeletions, { ...rows, compacted }),
      connection.call(sql.setPrunedRevision, { revision: pruned.revision }),
      connection.call(sql.setPrunedSub, { sub: pruned.sub }),
    );
  }
  if (sequences.through > sequences.after) {
    answers.push(
      connection.call(sql.pruneCommits, { through: sequences.through }),
      connection.call(sql.pruneRegistry, { ...sequences }),
      connection.call(sql.setFloor, { through: sequences.through }),
    );
  }
  answers.push(connection.run("commit"));
  const settled = await Promise.allSettled(answers);
  for (const answer of settled) if (answer.status === "rejected") throw answer.reason;
}
