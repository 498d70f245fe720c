import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, it, type TestContext } from "node:test";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { GrpcClient, RpcError } from "../client/grpc-client.js";
import { type SqlServer, waitUntil } from "../servers/index.js";

/** How a database server is brought to refuse; statements are run by its administrator, each by itself. */
export interface RefusalSubject {
  readonly name: string;
  start(): Promise<SqlServer>;
  /** A database of its own for a user with no more rights than an adapter needs. */
  database(server: SqlServer): Promise<{ readonly url: string; readonly user: string }>;
  /**
   * One with room for some hundred values at the most; `free` makes room. Undefined where mounting is not permitted; absent
   * where the server itself ends when it is out of space.
   */
  small?(
    server: SqlServer,
    t: TestContext,
  ): Promise<{ readonly url: string; free(): Promise<void> } | undefined>;
  readonly readOnly: { readonly on: readonly string[]; readonly off: readonly string[] };
  /** Lets the user have so many connections, and no limit. */
  limit(user: string): { readonly on: string; readonly off: string };
  /** A statement that holds a connection. */
  readonly hold: string;
  /** Ends the user's other connections. */
  disconnect(server: SqlServer, user: string): Promise<unknown>;
}

const UNAVAILABLE = 14;
const RESOURCE_EXHAUSTED = 8;
const VALUE_BYTES = 200_000;

/** A server that is there and refuses: read-only after a failover, out of connections, out of space. */
export function storageRefusals(subject: RefusalSubject): void {
  describe(`${subject.name}, refusals`, { timeout: 600_000 }, () => {
    let server: SqlServer;
    before(async () => {
      server = await subject.start();
    });
    after(() => server?.[Symbol.asyncDispose]());

    const administer = async (statements: readonly string[]) => {
      for (const statement of statements) await server.sql(statement);
    };

    it("answers reads and refuses writes while the server is read-only, and writes again when it is not", async () => {
      const { url } = await subject.database(server);
      await using writer = await Writer.start(url);
      await writer.put();
      await administer(subject.readOnly.on);
      try {
        await writer.refuses(UNAVAILABLE, /read.only.*make this server writable/i);
        await writer.expectAll();
      } finally {
        await administer(subject.readOnly.off);
      }
      await writer.recovers();
    });

    it("refuses while the server takes no more connections, and goes on when it does", async () => {
      const { url, user } = await subject.database(server);
      await using writer = await Writer.start(url);
      await writer.put();
      const holding = server.sql(subject.hold, url).catch(() => "ended");
      await server.sql(subject.limit(user).on);
      await waitUntil(
        async () => {
          await subject.disconnect(server, user);
          await writer.refuses(UNAVAILABLE, /lower pool-size/);
        },
        { timeoutMs: 60_000 },
      );
      await server.sql(subject.limit(user).off);
      await writer.recovers();
      await holding;
    });

    const { small: makeSmall } = subject;
    if (makeSmall)
      it("says that there is no space when the disk is full, and goes on when there is", async (t) => {
        const small = await makeSmall(server, t);
        if (small === undefined) return t.skip("mounting is not permitted here");
        const { url } = small;
        await using writer = await Writer.start(url);
        await writer.put();
        for (
          let puts = 0;
          await writer.put().then(() => true, writer.expectRefusal(RESOURCE_EXHAUSTED));
          puts++
        )
          assert.ok(puts < 1_000, "the disk is never full");
        await writer.refuses(RESOURCE_EXHAUSTED);
        await writer.expectAll();
        await small.free();
        await writer.recovers();
      });
  });
}

/** A client of an adapter of its own, that knows what was acknowledged. */
class Writer {
  private readonly client: GrpcClient;
  private readonly acknowledged = new Map<string, Buffer>();
  private count = 0;

  private constructor(private readonly adapter: AdapterProcess) {
    this.client = new GrpcClient(adapter.address);
  }

  static async start(url: string): Promise<Writer> {
    return new Writer(await startAdapterProcess(url));
  }

  async put(): Promise<void> {
    const key = `k${this.count++}`;
    // Nothing that a database could compress.
    const value = randomBytes(VALUE_BYTES);
    await this.client.unary(KV.method.put, { key: Buffer.from(key), value });
    this.acknowledged.set(key, value);
  }

  expectRefusal(code: number): (error: unknown) => false {
    return (error) => {
      assert.ok(error instanceof RpcError && error.code === code, String(error));
      return false;
    };
  }

  /** Refuses a put, and says in its log why, and what to do. */
  async refuses(code: number, why?: RegExp): Promise<void> {
    await assert.rejects(this.put(), (error) => !this.expectRefusal(code)(error));
    if (why) assert.match(readFileSync(this.adapter.logFile, "utf8"), why);
  }

  /** Whatever was acknowledged is there; of what was refused, no more than what timed out on its way. */
  async expectAll(): Promise<void> {
    const { kvs } = await this.client.unary(KV.method.range, {
      key: Buffer.from("k"),
      rangeEnd: Buffer.from("l"),
    });
    const found = new Map(kvs.map(({ key, value }) => [Buffer.from(key).toString(), value]));
    for (const [key, value] of this.acknowledged) {
      const stored = found.get(key);
      assert.ok(stored && value.equals(stored), `the value of ${key} was acknowledged and is lost`);
    }
    assert.ok(
      found.size <= this.acknowledged.size + 1,
      `${found.size} keys, ${this.acknowledged.size} acknowledged`,
    );
  }

  async recovers(): Promise<void> {
    await waitUntil(() => this.put(), { timeoutMs: 60_000 });
    await this.expectAll();
    assert.ok(this.adapter.isRunning);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.adapter.stop();
  }
}
