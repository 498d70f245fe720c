/** A real etcd, copied into storages and from there into another etcd, with kills on the way. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Auth } from "@etcd-adapter/core/proto/etcdserverpb/auth_pb";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { storageBackends } from "../adapter/backends.js";
import { startAdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";
import { temporaryFolder } from "../servers/folders.js";
import { type EtcdServer, isRequired, startEtcd } from "../servers/index.js";
import { Authority } from "../tls/authority.js";
import { command, commandOutput } from "./command.js";
import { hashKv, history, leases, rows } from "./content.js";
import { type Seeded, seed } from "./seed.js";

/** 100,000 by hand. */
const KEYS = Number(process.env.ETCD_ADAPTER_MOVING_KEYS ?? 2_000);

interface Running {
  readonly server: EtcdServer;
  readonly client: GrpcClient;
}

async function etcd(): Promise<Running> {
  const server = await startEtcd();
  return { server, client: new GrpcClient(`${server.host}:${server.port}`) };
}

async function stop({ client, server }: Running): Promise<void> {
  client.close();
  await server.discard();
}

if (isRequired("etcd")) {
  describe("copy", () => {
    const folder = temporaryFolder("copy");
    const work = `--work-dir=${join(folder, "work")}`;
    const snapshot = join(folder, "etcd.snapshot");
    let source: Running;
    let seeded: Seeded;

    before(async () => {
      source = await etcd();
      seeded = await seed(source.client, KEYS);
    });
    after(() => stop(source));

    const copy = (from: string, to: string, ...more: string[]) =>
      commandOutput(["copy", "--from", from, "--to", to, work, ...more]);

    /** A fresh etcd gets all of it, and has the same keys, values and leases. */
    async function copyBack(from: string): Promise<void> {
      const target = await etcd();
      assert.match(
        await copy(from, target.server.url),
        /not kept, .* revisions[\s\S]*SHA-256 over key, value and lease/,
      );
      assert.deepEqual(await rows(target.client), await rows(source.client));
      assert.deepEqual(await leases(target.client), await leases(source.client));
      const { revision } = (await target.client.unary(KV.method.range, { key: Buffer.from("x") })).header!;
      assert.match(await copy(from, target.server.url), /^nothing to do/);
      const { header } = await target.client.unary(KV.method.range, { key: Buffer.from("x") });
      assert.equal(header!.revision, revision);
      await stop(target);
    }

    for (const backend of storageBackends().filter(({ durable }) => durable)) {
      test(`etcd into ${backend.name} and back, with kill -9 in the middle of both`, async () => {
        const fresh = await backend.fresh();
        const url = fresh === "sqlite:" ? `sqlite:${join(folder, "copied.db")}` : fresh;
        const { hash } = await hashKv(source.client, seeded.newest);
        const args = ["copy", "--from", source.server.url, "--to", url, work];
        const killed = await command(args, { kill: { at: /writing to the target …/, afterMs: 40 } });
        assert.equal(killed.code, null, killed.out);
        // The killed one may have had its last write just behind it.
        const out = await commandOutput(args);
        assert.match(out, new RegExp(`HashKV at revision ${seeded.newest} agrees: ${hash}\n|^nothing to do`));
        assert.match(await commandOutput(args), /^nothing to do/);

        const adapter = await startAdapterProcess(url);
        const client = new GrpcClient(adapter.address);
        const { compacted, newest } = seeded;
        for (const revision of [newest, newest - 2n, compacted + 1n]) {
          assert.deepEqual(await hashKv(client, revision), await hashKv(source.client, revision));
        }
        assert.deepEqual(await rows(client), await rows(source.client));
        assert.deepEqual(await leases(client), await leases(source.client));
        const events = await Promise.all(
          [client, source.client].map((one) => history(one, compacted, newest)),
        );
        assert.deepEqual(events[0], events[1]);
        client.close();
        await adapter.stop();

        const target = await etcd();
        const back = ["copy", "--from", url, "--to", target.server.url, work];
        const interrupted = await command(back, {
          kill: { at: /writing to the target …/, afterMs: 40 },
        });
        assert.equal(interrupted.code, null, interrupted.out);
        await commandOutput(back);
        assert.deepEqual(await rows(target.client), await rows(source.client));
        assert.deepEqual(await leases(target.client), await leases(source.client));
        assert.match(await commandOutput(back), /^nothing to do/);
        await stop(target);
      });
    }

    test("etcd's own snapshot file, and one of ours, into an empty etcd", async () => {
      await source.server.etcdctl(["snapshot", "save", snapshot]);
      await copyBack(`file:${snapshot}`);
      const ours = `file:${join(folder, "ours.snapshot")}`;
      assert.match(await copy(`file:${snapshot}`, ours), /^copied .* versions/);
      assert.match(await copy(`file:${snapshot}`, ours), /^nothing to do/);
      assert.match(await copy(source.server.url, ours), /^nothing to do/);
      await copyBack(ours);
    });

    test("a database without a digest, as it lies in etcd's data folder", async () => {
      const stopped = await etcd();
      await stopped.client.unary(KV.method.put, { key: Buffer.from("a"), value: Buffer.from("b") });
      await stopped.server.stop();
      const file = join(stopped.server.folder, "data", "member", "snap", "db");
      assert.match(await copy(`file:${file}`, `sqlite:${join(folder, "raw.db")}`), /^copied 1 versions/);
      await stop(stopped);
    });

    test("a target with other data is left alone, unless it may be overwritten", async () => {
      const target = await etcd();
      await target.client.unary(KV.method.put, { key: Buffer.from("foreign"), value: Buffer.from("x") });
      const args = ["copy", "--from", source.server.url, "--to", target.server.url, work];
      const refused = await command(args);
      assert.equal(refused.code, 2);
      assert.match(refused.err, /has other data: the key "foreign"; --overwrite replaces/);
      assert.deepEqual(await rows(target.client), ["foreign x 0"]);
      await commandOutput([...args, "--overwrite"]);
      assert.deepEqual(await rows(target.client), await rows(source.client));
      await stop(target);
    });

    test("a storage with other data is overwritten key by key, and keeps its own revisions", async () => {
      const url = `sqlite:${join(folder, "used.db")}`;
      const first = await startAdapterProcess(url);
      const writer = new GrpcClient(first.address);
      for (const key of ["foreign", "/registry/1/00000001"]) {
        await writer.unary(KV.method.put, { key: Buffer.from(key), value: Buffer.from("x") });
      }
      writer.close();
      await first.stop();
      const args = ["copy", "--from", source.server.url, "--to", url, work];
      assert.match((await command(args)).err, /has other data/);
      await commandOutput([...args, "--overwrite"]);
      assert.match(await commandOutput(args), /^nothing to do/);
      const adapter = await startAdapterProcess(url);
      const client = new GrpcClient(adapter.address);
      assert.deepEqual(await rows(client), await rows(source.client));
      assert.deepEqual(await leases(client), await leases(source.client));
      const { kvs } = await client.unary(KV.method.range, { key: Buffer.from("/registry/1/00000001") });
      assert.deepEqual([kvs[0]!.createRevision, kvs[0]!.version], [3n, 2n]);
      client.close();
      await adapter.stop();
    });
  });

  describe("copy of an etcd with users", () => {
    const folder = temporaryFolder("copy-users");
    const work = `--work-dir=${join(folder, "work")}`;
    let source: Running;

    before(async () => {
      source = await etcd();
      await seed(source.client, 200);
      const { client } = source;
      for (const [name, password] of [
        ["root", "secret"],
        ["reader", "other"],
      ] as const) {
        await client.unary(Auth.method.userAdd, { name, password });
        await client.unary(Auth.method.roleAdd, { name });
        await client.unary(Auth.method.userGrantRole, { user: name, role: name });
      }
      await client.unary(Auth.method.roleGrantPermission, {
        name: "reader",
        perm: { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) },
      });
      await client.unary(Auth.method.authEnable, {});
    });
    after(() => stop(source));

    test("root's copy has the users, whose passwords go on working", async () => {
      const url = `sqlite:${join(folder, "root.db")}`;
      const out = await commandOutput([
        "copy",
        "--from",
        source.server.url,
        "--from-user=root:secret",
        "--to",
        url,
        work,
      ]);
      assert.match(out, /HashKV at revision \d+ agrees/);
      const adapter = await startAdapterProcess(url);
      const client = new GrpcClient(adapter.address);
      await assert.rejects(client.unary(KV.method.range, { key: Buffer.from("a") }), /user name is empty/);
      const { token } = await client.unary(Auth.method.authenticate, { name: "reader", password: "other" });
      const metadata = { token };
      await client.unary(KV.method.range, { key: Buffer.from("a") }, { metadata });
      const put = { key: Buffer.from("a"), value: Buffer.from("b") };
      await assert.rejects(client.unary(KV.method.put, put, { metadata }), /permission denied/);
      client.close();
      await adapter.stop();
    });

    test("who may only read gets keys, values, revisions and leases, and is told what is missing", async () => {
      const url = `sqlite:${join(folder, "reader.db")}`;
      const args = ["copy", "--from", source.server.url, "--from-user=reader:other", "--to", url, work];
      const { code, out, err } = await command(args);
      assert.equal(code, 0, err);
      assert.match(err, /refuses a snapshot .*users and roles are not copied, passwords can't be read/);
      assert.match(out, /SHA-256 over key, revisions, value and lease of \d+ keys agrees/);
      assert.ok(existsSync(join(folder, "reader.db")));
    });

    test("a wrong password, or none", async () => {
      const args = ["copy", "--from", source.server.url, "--to", `sqlite:${join(folder, "no.db")}`, work];
      const wrong = await command([...args, "--from-user=root:wrong"]);
      assert.deepEqual([wrong.code, wrong.out], [2, ""]);
      assert.match(wrong.err, /^etcd-adapter: http.*authentication failed, invalid user ID or password\.\n$/);
      const none = await command(args);
      assert.equal(none.code, 2);
      assert.match(none.err, /^etcd-adapter: http.*user name is empty; name a user and a password\.\n$/);
    });
  });

  test("copy over TLS, with a client's certificate", async () => {
    const folder = temporaryFolder("copy-tls");
    const authority = new Authority("the test's");
    const server = await startEtcd({ tls: { ...authority.issue("server"), ca: authority.ca } });
    await server.etcdctl(["put", "a", "b"]);
    const client = authority.issue("client");
    const args = [
      "copy",
      "--from",
      server.url,
      "--to",
      `sqlite:${join(folder, "a.db")}`,
      `--work-dir=${folder}/work`,
    ];
    const shown = [`--from-cert=${client.cert}`, `--from-key=${client.key}`];
    const stranger = await command([...args, ...shown]);
    assert.equal(stranger.code, 2);
    assert.match(stranger.err, /^etcd-adapter: https.* can't be reached: [^\n]*\n$/);
    const out = await commandOutput([...args, ...shown, `--from-cacert=${authority.ca}`]);
    assert.match(out, /^copied 1 versions/);
    await server.discard();
  });
}
