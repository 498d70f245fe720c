import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Auth } from "@etcd-adapter/core/proto/etcdserverpb/auth_pb";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Lease } from "@etcd-adapter/core/proto/etcdserverpb/lease_pb";
import { Watch } from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import { Event_EventType } from "@etcd-adapter/core/proto/mvccpb/kv_pb";
import type { AdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";

const TIMEOUT_MS = 2_000;
const EVERYTHING = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };
const ROOT = { name: "root", password: "of all" };
const USER = { name: "gateway", password: "of some" };
/** What USER may read and write. */
const ALLOWED = { key: Buffer.from("k"), rangeEnd: Buffer.from("l") };

/** A put that was acknowledged. */
export interface Write {
  readonly key: string;
  readonly revision: bigint;
}

/** One client of one adapter. It lasts through restarts, as the tokens do that it has from before. */
export class Client {
  readonly #client: GrpcClient;
  readonly #metadata: Record<string, string>;

  constructor(adapter: AdapterProcess, token?: string) {
    this.#client = new GrpcClient(adapter.address);
    this.#metadata = token === undefined ? {} : { token };
  }

  close(): void {
    this.#client.close();
  }

  call: GrpcClient["unary"] = (method, request) =>
    this.#client.unary(method, request, { metadata: this.#metadata, timeoutMs: TIMEOUT_MS });

  watchFrom(startRevision: bigint) {
    const stream = this.#client.stream(Watch.method.watch, { metadata: this.#metadata });
    stream.send({ requestUnion: { case: "createRequest", value: { ...EVERYTHING, startRevision } } });
    return stream;
  }

  everything() {
    return this.call(KV.method.range, EVERYTHING);
  }

  async signIn({ name, password }: typeof ROOT): Promise<string> {
    return (await this.call(Auth.method.authenticate, { name, password })).token;
  }
}

/** Puts distinct keys, one after another, and goes on with the next one when one fails. */
export async function write(
  client: Client,
  name: string,
  made: Write[],
  stopped: AbortSignal,
): Promise<void> {
  for (let index = 0; !stopped.aborted; index++) {
    const key = `k/${name}/${index}`;
    try {
      const { header } = await client.call(KV.method.put, { key: Buffer.from(key), value: Buffer.from(key) });
      made.push({ key, revision: header!.revision });
    } catch {
      await sleep(50);
    }
  }
}

/** Sees every revision once and in order, from the first one on, however often the stream breaks. */
export class Watcher {
  /** Keys by the revision that put them; undefined for a deletion. */
  readonly seen = new Map<bigint, string | undefined>();
  #next = 2n;

  async run(client: Client, stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const stream = client.watchFrom(this.#next);
      while (!stopped.aborted && !stream.status) {
        const message = await stream.next(200);
        assert.ok(!message?.canceled, `the watch was cancelled: ${message?.cancelReason}`);
        for (const { type, kv } of message?.events ?? []) {
          assert.equal(kv!.modRevision, this.#next++, "a revision came again, or was left out");
          const isPut = type === Event_EventType.PUT;
          this.seen.set(kv!.modRevision, isPut ? text(kv!.key) : undefined);
        }
      }
      stream.cancel();
      await sleep(50);
    }
  }
}

/** What is no key and must be there afterwards: users, rights, leases. */
export class Belongings {
  #kept = 0n;
  #revoked = 0n;
  #short = 0n;

  /** Switches access control on; gives the tokens of the administrator and of the user. */
  async make(client: Client): Promise<{ root: string; user: string }> {
    for (const { name, password } of [ROOT, USER]) {
      await client.call(Auth.method.userAdd, { name, password });
      await client.call(Auth.method.roleAdd, { name });
      await client.call(Auth.method.userGrantRole, { user: name, role: name });
    }
    const perm = { permType: 2, ...ALLOWED };
    await client.call(Auth.method.roleGrantPermission, { name: USER.name, perm });
    await client.call(Auth.method.authEnable, {});
    return { root: await client.signIn(ROOT), user: await client.signIn(USER) };
  }

  async grantLeases(root: Client): Promise<void> {
    const grant = async (key: string, TTL: bigint) => {
      const { ID: lease } = await root.call(Lease.method.leaseGrant, { TTL });
      await root.call(KV.method.put, { key: Buffer.from(key), lease });
      return lease;
    };
    this.#kept = await grant("k/kept", 3_000n);
    this.#short = await grant("k/short", 3n);
    this.#revoked = await grant("k/revoked", 3_000n);
    await root.call(Lease.method.leaseRevoke, { ID: this.#revoked });
  }

  /** Once the short lease has had its time. */
  async check(root: Client, user: Client): Promise<void> {
    const { leases } = await root.call(Lease.method.leaseLeases, {});
    assert.deepEqual(
      leases.map(({ ID }) => ID),
      [this.#kept],
      `of the leases ${[this.#kept, this.#short, this.#revoked]}`,
    );
    const kept = await root.call(Lease.method.leaseTimeToLive, { ID: this.#kept, keys: true });
    assert.equal(kept.grantedTTL, 3_000n);
    assert.deepEqual(kept.keys.map(text), ["k/kept"]);

    assert.equal((await root.call(Auth.method.authStatus, {})).enabled, true);
    const { perm } = await root.call(Auth.method.roleGet, { role: USER.name });
    const rights = perm.map((one) => [one.permType, text(one.key), text(one.rangeEnd)]);
    assert.deepEqual(rights, [[2, "k", "l"]]);
    await assert.rejects(user.everything(), /permission denied/);
    await assert.rejects(user.signIn({ ...USER, password: "wrong" }), /authentication failed/);
    assert.ok(await user.signIn(USER));
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
