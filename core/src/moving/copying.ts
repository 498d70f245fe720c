import { differences, RowDigest } from "./differences.js";
import type { LiveRows } from "./live-rows.js";
import { MovingError } from "./moving-error.js";
import { grouped, type Progress } from "./progress.js";
import type { Comparison } from "./reconcile.js";
import type { Source } from "./source.js";
import type { StorageContext } from "./storage-place.js";
import type { Target } from "./target.js";
import type { WorkFolder } from "./work-folder.js";

/** What all kinds of target need to know of a copy. */
export interface Copying {
  readonly source: Source;
  readonly work: WorkFolder;
  readonly overwrite: boolean;
  readonly context: StorageContext;
  readonly progress: Progress;
}

/** The source's snapshot: the file that it is, the one that an interrupted run has left (`mayResume`), or a new one. */
export async function snapshotOf({ source, work, progress }: Copying, mayResume: boolean): Promise<string> {
  if (source.path !== undefined) return source.path;
  if (mayResume && work.hasSnapshot) {
    progress.note("an earlier run was interrupted: going on with the state of the source that it has read");
    return work.snapshot;
  }
  await source.save(work.snapshot, work.path, progress);
  return work.snapshot;
}

export async function refuseOtherData(target: Target, found: Comparison, work: WorkFolder): Promise<void> {
  await work.remove();
  throw new MovingError(
    `${target.label} has other data: ${describe(found)}; --overwrite replaces what differs and removes what the source does not have.`,
  );
}

function describe({ example, other, missing }: Comparison): string {
  if (example === undefined) return `${grouped(missing)} keys or leases of the source are not there`;
  return other === 1 ? example : `${example}, and ${grouped(other - 1)} more`;
}

/** Compares every key of both sides; a sentence with the hash that both have. */
export async function verifyRows(
  wanted: LiveRows,
  target: Target,
  revisions: boolean,
  progress: Progress,
): Promise<string> {
  const [left, right] = [new RowDigest(revisions), new RowDigest(revisions)];
  progress.begin("comparing both sides");
  const options = { revisions, onRow: () => progress.add(1) };
  let different = 0;
  let example: string | undefined;
  for await (const { wanted: row, present } of differences(
    left.through(wanted.rows()),
    right.through(target.rows()),
    options,
  )) {
    different++;
    example ??= JSON.stringify((row ?? present!).key.toString());
  }
  progress.end();
  if (different > 0 || left.hex() !== right.hex()) {
    throw new MovingError(
      `${target.label} is not equal to the source: ${grouped(different)} keys differ, such as ${example}; ` +
        "does something else write there?",
    );
  }
  const what = revisions ? "key, revisions, value and lease" : "key, value and lease";
  return `SHA-256 over ${what} of ${grouped(left.keys)} keys agrees: ${left.hex()}`;
}
