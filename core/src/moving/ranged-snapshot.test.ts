import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { create, type DescMethod } from "@bufbuild/protobuf";
import { Code } from "../errors.js";
import { type RangeRequest, RangeResponseSchema } from "../gen/etcdserverpb/kv_pb.js";
import {
  LeaseLeasesResponseSchema,
  type LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponseSchema,
} from "../gen/etcdserverpb/lease_pb.js";
import { CallError, type Caller } from "./endpoint.js";
import { LiveRows } from "./live-rows.js";
import { Progress } from "./progress.js";
import { rangedSnapshot } from "./ranged-snapshot.js";

const KEYS = 1_200;

/** An endpoint that is compacted beyond what is being read, before the page that `compactions` names. */
class Shifting {
  readonly url = "http://shifting";
  readonly readAt: bigint[] = [];
  private revision = 100n;
  private pages = 0;

  constructor(private compactions: number) {}

  async call({ name }: DescMethod, request: unknown): Promise<unknown> {
    if (name === "LeaseLeases") return create(LeaseLeasesResponseSchema, { leases: [{ ID: 5n }] });
    if (name === "LeaseTimeToLive") return this.timeToLive(request as LeaseTimeToLiveRequest);
    return this.range(request as RangeRequest);
  }

  /** Lease 6 was granted after the list was made, lease 7 has ended. */
  private timeToLive({ ID }: LeaseTimeToLiveRequest) {
    return create(
      LeaseTimeToLiveResponseSchema,
      ID === 7n ? { ID, TTL: -1n } : { ID, TTL: 30n, grantedTTL: 60n },
    );
  }

  private range({ key, limit, revision: asked }: RangeRequest) {
    this.pages++;
    if (this.pages % 3 === 2 && this.compactions > 0) {
      this.compactions--;
      this.pages = 0;
      this.revision += 50n;
      throw new CallError(
        this.url,
        Code.outOfRange,
        "etcdserver: mvcc: required revision has been compacted",
      );
    }
    const revision = asked === 0n ? this.revision : asked;
    this.readAt.push(revision);
    const all = Array.from({ length: KEYS }, (_, index) => ({
      key: Buffer.from(`k${index.toString().padStart(5, "0")}`),
      value: Buffer.from(`${revision}`),
      // Of several keys of one revision, and of revisions that do not follow the order of keys.
      modRevision: 2n + BigInt((index * 37) % 90),
      createRevision: 2n,
      version: 3n,
      lease: index < 3 ? BigInt(5 + index) : 0n,
    })).filter((kv) => Buffer.compare(kv.key, key) >= 0);
    const kvs = all.slice(0, Number(limit));
    return create(RangeResponseSchema, {
      header: { revision: this.revision },
      kvs,
      more: all.length > kvs.length,
    });
  }
}

function place() {
  const folder = mkdtempSync(join(tmpdir(), "etcd-adapter-ranged-"));
  return { folder, target: join(folder, "snapshot") };
}

test("a source that is compacted in the middle is read anew, at one later revision", async () => {
  const endpoint = new Shifting(2);
  const { folder, target } = place();
  const lines: string[] = [];
  await rangedSnapshot(
    endpoint as unknown as Caller,
    target,
    folder,
    new Progress((line) => lines.push(line)),
  );
  assert.equal(
    lines.filter((line) => line.includes("was compacted while it was read: starting over")).length,
    2,
  );
  const live = await LiveRows.of(target, join(folder, "live"));
  assert.deepEqual([live.summary.end.revision, live.summary.end.compacted], [200n, 200n]);
  let index = 0;
  for await (const { key, value, modRevision, version, lease } of live.rows()) {
    assert.equal(key.toString(), `k${index.toString().padStart(5, "0")}`);
    assert.deepEqual([value.toString(), version, lease], ["200", 3n, index < 3 ? BigInt(5 + index) : 0n]);
    assert.equal(modRevision, 2n + BigInt((index * 37) % 90));
    index++;
  }
  assert.equal(index, KEYS);
  assert.deepEqual([...live.leases].sort(), [
    [5n, 60n],
    [6n, 60n],
    [7n, 2n],
  ]);
  await live.dispose();
});

test("one that is compacted all the time is given up with a sentence", async () => {
  const { folder, target } = place();
  await assert.rejects(
    rangedSnapshot(new Shifting(100) as unknown as Caller, target, folder, new Progress(() => {})),
    /compactions overtook 10 attempts/,
  );
});
