import type { KeyValue } from "../mvcc/record.js";
import { differences } from "./differences.js";
import type { LiveRows } from "./live-rows.js";
import type { Progress } from "./progress.js";
import type { Batch, Put, Target } from "./target.js";

/** What a target lacks, and what it has beside that or otherwise. */
export interface Comparison {
  readonly missing: number;
  readonly other: number;
  /** The first thing that is other, for a message. */
  readonly example: string | undefined;
}

/** Looks, and writes nothing. */
export async function compare(wanted: LiveRows, target: Target, progress: Progress): Promise<Comparison> {
  let missing = 0;
  let other = 0;
  let example: string | undefined;
  const found = (what: string): void => {
    other++;
    example ??= what;
  };
  progress.begin("looking at the target");
  const options = { onRow: () => progress.add(1) };
  for await (const { wanted: row, present } of differences(wanted.rows(), target.rows(), options)) {
    if (present) found(`the key ${JSON.stringify(present.key.toString())}`);
    else if (row) missing++;
  }
  progress.end();
  const leases = await target.leases();
  for (const [id, ttlSeconds] of wanted.leases) {
    const present = leases.get(id);
    if (present === undefined) missing++;
    else if (present !== ttlSeconds) found(`the lease ${id.toString(16)}`);
  }
  const access = await target.access();
  if (access) {
    for (const [key, value] of wanted.access) {
      const present = access.get(key);
      if (!present) missing++;
      else if (!present.equals(value)) found("users and roles");
    }
    for (const key of access.keys()) if (!wanted.access.has(key)) found("users and roles");
  }
  return { missing, other, example };
}

/** Writes what differs, and removes what is not wanted. */
export async function reconcile(wanted: LiveRows, target: Target, progress: Progress): Promise<void> {
  const present = await target.leases();
  const grant = new Map([...wanted.leases].filter(([id, ttlSeconds]) => present.get(id) !== ttlSeconds));
  // Revoking a lease removes its keys, so those that are granted anew come before the keys.
  const renewed = [...grant.keys()].filter((id) => present.has(id));
  await target.changeLeases({ grant: new Map(), revoke: renewed });
  await target.changeLeases({ grant, revoke: [] });
  progress.begin("writing to the target");
  const writer = new BatchWriter(target, progress);
  for await (const difference of differences(wanted.rows(), target.rows())) await writer.add(difference);
  await writer.end();
  progress.end();
  const extra = [...present.keys()].filter((id) => !wanted.leases.has(id));
  await target.changeLeases({ grant: new Map(), revoke: extra });
  await target.finish(wanted.access);
}

class BatchWriter {
  private puts: Put[] = [];
  private deletes: KeyValue[] = [];
  private bytes = 0;
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly target: Target,
    private readonly progress: Progress,
  ) {}

  async add({
    wanted,
    present,
  }: {
    wanted: KeyValue | undefined;
    present: KeyValue | undefined;
  }): Promise<void> {
    const { operations, bytes } = this.target.limits;
    const more = (wanted ?? present!).key.length + (wanted?.value.length ?? 0);
    const count = this.puts.length + this.deletes.length;
    if (count > 0 && (count === operations || this.bytes + more > bytes)) await this.send();
    if (wanted) this.puts.push({ row: wanted, present });
    else if (present) this.deletes.push(present);
    this.bytes += more;
  }

  async end(): Promise<void> {
    if (this.puts.length + this.deletes.length > 0) await this.send();
    await Promise.all(this.running);
  }

  private async send(): Promise<void> {
    const batch: Batch = { puts: this.puts, deletes: this.deletes };
    this.puts = [];
    this.deletes = [];
    this.bytes = 0;
    const writing = this.target.write(batch).then(() => {
      this.running.delete(writing);
      this.progress.add(batch.puts.length + batch.deletes.length);
    });
    // Its failure is met by whoever waits for it below, or at the end.
    writing.catch(() => {});
    this.running.add(writing);
    if (this.running.size >= this.target.limits.concurrency) await Promise.race(this.running);
  }
}
