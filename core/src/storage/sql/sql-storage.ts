import { StorageError } from "../errors.js";
import {
  type ChangesPage,
  type ChangesQuery,
  type Commit,
  EMPTY_HEAD,
  type GetQuery,
  type GetResult,
  type Head,
  type News,
  type RangePage,
  type RangeQuery,
  type SinceQuery,
  type StorageSize,
} from "../model.js";
import type { HeadListener, QueryStorage } from "../query-storage.js";
import { readChanges, wholeRevisions } from "./changes.js";
import type { SqlDriver } from "./driver.js";
import { pruneBatch } from "./prune.js";

/** Rows of one page at the most, whatever is asked for: the caller reads on. */
const MAX_PAGE_ROWS = 10_000;

/** The seam over a database: what all of them decide alike. What a database is told is its SqlDriver's. */
export class SqlStorage implements QueryStorage {
  readonly release?: () => Promise<void>;
  readonly defragment?: () => Promise<void>;
  readonly subscribe?: (listener: HeadListener) => Promise<() => Promise<void>>;
  private newest: Head = EMPTY_HEAD;
  private opening: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  constructor(private readonly driver: SqlDriver) {
    if (driver.release) this.release = () => this.run(async () => driver.release!());
    if (driver.defragment) this.defragment = () => this.run(() => driver.defragment!());
    if (driver.subscribe) this.subscribe = (listener) => this.run(() => driver.subscribe!(listener));
  }

  get shared(): boolean {
    return this.driver.shared;
  }

  open(): Promise<void> {
    this.opening = this.run(async () => {
      try {
        await this.driver.open();
      } catch (error) {
        await this.driver.close();
        throw error;
      }
    });
    return this.opening;
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  async head(): Promise<Head> {
    return this.saw(await this.run(() => this.driver.head()));
  }

  async commit(commit: Commit): Promise<void> {
    await this.run(() => this.driver.commit(commit), "commit");
    this.saw(commit.head);
  }

  async commitId(sequence: bigint): Promise<Buffer | undefined> {
    const id = await this.run(() => this.driver.commitId(sequence));
    return sequence > 0n ? id : undefined;
  }

  range(query: RangeQuery): Promise<RangePage> {
    const rows = { ...query, limit: Math.min(query.limit, MAX_PAGE_ROWS) };
    return this.at(
      query.revision,
      () => this.driver.rangeNewest(rows),
      (revision) => this.driver.rangeAt(revision, rows),
    );
  }

  get(query: GetQuery): Promise<GetResult> {
    return this.at(
      query.revision,
      () => this.driver.getNewest(query.keys),
      (revision) => this.driver.getAt(revision, query.keys),
    );
  }

  async leaseKeys(lease: bigint): Promise<{ head: Head; keys: Buffer[] }> {
    const found = await this.run(() => this.driver.leaseKeys(lease));
    this.saw(found.head);
    return found;
  }

  async changes(query: ChangesQuery): Promise<ChangesPage> {
    if (query.through > this.newest.revision) await this.head();
    if (query.through > this.newest.revision) throw future(query.through, this.newest);
    if (query.through <= query.after) return { revisions: [], through: query.through };
    return this.run(() => readChanges(this.driver, query));
  }

  async since(query: SinceQuery): Promise<News> {
    const { sequence, revision } = query.after;
    let rows = await this.run(() => this.driver.since(query));
    const complete = sequence === 0n || sequence < rows.floor;
    if (complete && sequence !== 0n) {
      rows = await this.run(() => this.driver.since({ ...query, after: { sequence: 0n, revision } }));
    }
    const { head, log, entries, fields } = rows;
    const nothing = { revisions: [], through: revision };
    const changes = query.limit === 0 ? nothing : (wholeRevisions(log, head.revision) ?? nothing);
    return { head: this.saw(head), changes, registry: { complete, entries }, fields };
  }

  prune(limit: number): Promise<boolean> {
    return this.run(() => pruneBatch(this.driver, limit));
  }

  size(): Promise<StorageSize> {
    return this.run(() => this.driver.size());
  }

  /**
   * The state answers for the head's revision, the log for any. A revision as new as the newest head seen is
   * most likely the head's still, so the state is tried first; the answer's own head tells whether it was right.
   */
  private async at<T extends { readonly head: Head }>(
    revision: bigint,
    newest: () => Promise<T>,
    older: (revision: bigint) => Promise<T>,
  ): Promise<T> {
    if (revision === 0n || revision >= this.newest.revision) {
      const answer = await this.run(newest);
      this.saw(answer.head);
      if (revision === 0n || answer.head.revision === revision) return answer;
      checkReadable(revision, answer.head);
    }
    const answer = await this.run(() => older(revision));
    checkReadable(revision, this.saw(answer.head));
    return answer;
  }

  private async end(): Promise<void> {
    await this.opening?.catch(() => {});
    await this.driver.close().catch((error) => {
      throw this.driver.storageError(error, "other");
    });
  }

  private saw(head: Head): Head {
    if (head.sequence > this.newest.sequence) this.newest = head;
    return head;
  }

  private async run<T>(work: () => Promise<T>, during: "commit" | "other" = "other"): Promise<T> {
    if (this.closing) throw new StorageError("closed", "the storage was closed");
    try {
      return await work();
    } catch (error) {
      throw this.driver.storageError(error, during);
    }
  }
}

function checkReadable(revision: bigint, head: Head): void {
  if (revision > head.revision) throw future(revision, head);
  if (revision < head.compacted) {
    throw new StorageError("compacted", `revision ${revision} is below the compacted one, ${head.compacted}`);
  }
}

function future(revision: bigint, head: Head): StorageError {
  return new StorageError("future", `revision ${revision} is above the newest one, ${head.revision}`);
}
