import type { Logger } from "pino";
import { alarmedWrite } from "../alarms/refusal.js";
import { EtcdError } from "../errors.js";
import type { Head, QueryStorage } from "../storage/index.js";
import { Committer, type CommitterLimits, DEFAULT_LIMITS } from "./committer.js";
import { Compactor } from "./compactor.js";
import { retryRead } from "./faults.js";
import { Follower } from "./follower.js";
import { type Guard, guarded, type OperationGuard, type ReadGuard } from "./guard.js";
import { HeadSource } from "./head-source.js";
import { type KnownRange, KnownRanges } from "./known-ranges.js";
import { Lessor } from "./lessor.js";
import type {
  DeleteOperation,
  DeleteResult,
  Operation,
  PutOperation,
  PutResult,
  RangeOperation,
  RangeResult,
  TxnOperation,
  TxnResult,
} from "./operations.js";
import { executeRange, StorageRows } from "./range.js";
import { ReadView } from "./read-view.js";
import {
  evaluateDelete,
  evaluatePut,
  evaluateTxn,
  isReadOnly,
  isSerializable,
  pointKeys,
} from "./transaction.js";
import { WatchHub } from "./watch/hub.js";

/** etcd's key space over one storage: the only way in for the API. */
export class Store {
  readonly follower: Follower;
  readonly committer: Committer;
  readonly lessor: Lessor;
  readonly watch: WatchHub;
  readonly compactor: Compactor;
  private readonly headSource: HeadSource;
  private readonly known: KnownRanges;

  constructor(
    readonly storage: QueryStorage,
    private readonly logger: Logger,
    private readonly limits: CommitterLimits = DEFAULT_LIMITS,
  ) {
    this.follower = new Follower(storage);
    this.committer = new Committer(storage, this.follower, logger, limits);
    this.lessor = new Lessor(storage, this.follower, this.committer, logger);
    this.watch = new WatchHub(storage, this.follower, logger);
    this.compactor = new Compactor(storage, this.committer, logger);
    this.follower.observeHead(this.compactor);
    this.known = new KnownRanges(this.follower, () => this.linearize());
    this.headSource = new HeadSource(storage, this.follower, logger);
  }

  /** Opens the storage and takes part in its order of commits. */
  async start(): Promise<void> {
    await this.storage.open();
    await this.follower.start();
    this.lessor.start();
    await this.headSource.start();
    this.compactor.prune().catch((error) => this.logger.warn({ err: error }, "pruning ended"));
  }

  async close(): Promise<void> {
    this.lessor.close();
    await this.headSource.close();
    await this.committer.close();
    await this.compactor.close();
    await this.storage.close();
  }

  /** The newest revision that this process knows of, for answers that are about no revision of their own. */
  get revision(): bigint {
    return this.follower.knownRevision;
  }

  /** A range outside a transaction; `revision` of the result is the store's. */
  async range(operation: RangeOperation, guard?: ReadGuard): Promise<RangeResult> {
    // The common case without a promise: the storage needs not be asked, and nobody's rights.
    const isCurrent = operation.serializable || !this.storage.shared;
    const known = isCurrent && !guard ? this.known.findNow(operation) : undefined;
    if (known) return resultOf(known);
    const read = () => this.readRange(operation, guard);
    return operation.revision > 0n ? retryRead(this.limits.requestTimeoutMs, read) : this.readAtNewest(read);
  }

  private async readRange(operation: RangeOperation, guard: ReadGuard | undefined): Promise<RangeResult> {
    const known = await this.known.find(operation);
    if (known) {
      await guard?.(known.head);
      return resultOf(known);
    }
    const learn = this.known.learn(operation);
    const revision = operation.revision > 0n ? operation.revision : 0n;
    const rows = new StorageRows(this.storage, revision, !operation.serializable);
    const result = await executeRange(rows, operation);
    this.follower.note(rows.head!);
    learn?.(rows.head!, result);
    await guard?.(rows.head!);
    return resultOf({ head: rows.head!, answer: result });
  }

  put(operation: PutOperation, guard?: Guard): Promise<PutResult> {
    return this.committer.propose({
      keys: [operation.key],
      bytes: bytesOf(operation),
      alarmed: "grows",
      evaluate: (draft) => guarded(guard, draft, () => evaluatePut(draft, operation)),
    });
  }

  deleteRange(operation: DeleteOperation, guard?: Guard): Promise<DeleteResult> {
    return this.committer.propose({
      keys: pointKeys(operation),
      bytes: bytesOf(operation),
      alarmed: "shrinks",
      evaluate: (draft) => guarded(guard, draft, () => evaluateDelete(draft, operation)),
    });
  }

  txn(operation: TxnOperation, guard?: OperationGuard): Promise<TxnResult> {
    if (isReadOnly(operation)) return this.readTxn(operation, guard?.read);
    return this.committer.propose({
      keys: pointKeys(operation),
      bytes: bytesOf(operation),
      alarmed: alarmedWrite(operation),
      evaluate: (draft) => guarded(guard?.write, draft, () => evaluateTxn(draft, operation)),
    });
  }

  /** A read in several steps at what was newest in the first; compaction that overtakes it starts it anew. */
  private async readAtNewest<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      const compactedBefore = this.follower.head.compacted;
      try {
        return await retryRead(this.limits.requestTimeoutMs, read);
      } catch (error) {
        const isCompacted = error instanceof EtcdError && error.id === "compacted";
        if (!isCompacted || this.follower.head.compacted === compactedBefore) throw error;
      }
    }
  }

  private readTxn(operation: TxnOperation, guard: ReadGuard | undefined): Promise<TxnResult> {
    return this.readAtNewest(async () => {
      const view = await ReadView.open(this.storage, pointKeys(operation), !isSerializable(operation));
      this.follower.note(view.head);
      const result = await evaluateTxn(view, operation);
      await guard?.(view.head);
      return result;
    });
  }

  /** Waits until every commit acknowledged so far, by any adapter, has been applied here. */
  async linearize(): Promise<Head> {
    if (this.storage.shared) {
      await retryRead(this.limits.requestTimeoutMs, () => this.follower.catchUp());
    }
    return this.follower.head;
  }
}

function resultOf({ head, answer: { fields, count, more } }: KnownRange): RangeResult {
  return { type: "range", revision: head.revision, fields, count, more };
}

const OPERATION_BYTES = 64;

function bytesOf(operation: Operation): number {
  switch (operation.type) {
    case "put":
      return OPERATION_BYTES + operation.key.length + operation.value.length;
    case "delete":
    case "range":
      return OPERATION_BYTES + operation.key.length + operation.rangeEnd.length;
    case "txn": {
      const branches = [...operation.success, ...operation.failure];
      return branches.reduce(
        (sum, nested) => sum + bytesOf(nested),
        OPERATION_BYTES * (1 + operation.compares.length),
      );
    }
  }
}
