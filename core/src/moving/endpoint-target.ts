import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "../errors.js";
import { KV, type RequestOpSchema } from "../gen/etcdserverpb/kv_pb.js";
import { Lease } from "../gen/etcdserverpb/lease_pb.js";
import { after } from "../mvcc/keys.js";
import type { KeyValue } from "../mvcc/record.js";
import { CallError, type Endpoint } from "./endpoint.js";
import { endpointLeases, endpointPages } from "./endpoint-rows.js";
import { LeaseKeeper } from "./lease-keeper.js";
import type { Batch, LeaseChanges, Target } from "./target.js";

type RequestOp = MessageInitShape<typeof RequestOpSchema>;

/** A running etcd, or an adapter: it gives revisions itself, and takes no hashes of passwords. */
export class EndpointTarget implements Target {
  /** etcd's own limits are 128 operations and 1.5 MiB. */
  readonly limits = { operations: 100, bytes: 512 * 1024, concurrency: 16 };
  private readonly keeper: LeaseKeeper;

  constructor(private readonly endpoint: Endpoint) {
    this.keeper = new LeaseKeeper(endpoint);
  }

  get label(): string {
    return this.endpoint.url;
  }

  async *rows(): AsyncGenerator<KeyValue> {
    let from: Buffer | undefined;
    for (;;) {
      try {
        for await (const { rows } of endpointPages(this.endpoint, 0n, from)) {
          yield* rows;
          if (rows.length > 0) from = after(rows.at(-1)!.key);
        }
        return;
      } catch (error) {
        // What follows is read at a newer revision: nobody else writes there, and if so the end will tell.
        if (!(error instanceof CallError) || !error.isCompacted) throw error;
      }
    }
  }

  leases(): Promise<Map<bigint, bigint>> {
    return endpointLeases(this.endpoint);
  }

  async access(): Promise<undefined> {
    return undefined;
  }

  async changeLeases({ grant, revoke }: LeaseChanges): Promise<void> {
    await inParallel(revoke, this.limits.concurrency, async (ID) => {
      await this.ignoring(Code.notFound, this.endpoint.call(Lease.method.leaseRevoke, { ID }));
    });
    await inParallel([...grant], this.limits.concurrency, async ([ID, TTL]) => {
      // It may have been granted by a call whose answer was lost.
      await this.ignoring(Code.failedPrecondition, this.endpoint.call(Lease.method.leaseGrant, { ID, TTL }));
      this.keeper.keep(ID, TTL);
    });
  }

  async write({ puts, deletes }: Batch): Promise<void> {
    const success: RequestOp[] = [
      ...puts.map(({ row: { key, value, lease } }): RequestOp => {
        return { request: { case: "requestPut", value: { key, value, lease } } };
      }),
      ...deletes.map(({ key }): RequestOp => ({ request: { case: "requestDeleteRange", value: { key } } })),
    ];
    await this.endpoint.call(KV.method.txn, { success });
  }

  async finish(): Promise<void> {}

  close(): Promise<void> {
    return this.keeper.close();
  }

  private async ignoring(code: number, call: Promise<unknown>): Promise<void> {
    try {
      await call;
    } catch (error) {
      if (!(error instanceof CallError) || error.code !== code) throw error;
    }
  }
}

async function inParallel<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await work(items[next++]!);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
