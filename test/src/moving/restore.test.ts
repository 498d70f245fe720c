/** A snapshot, restored into every storage: the same key space, to the hash, and a server that goes on from there. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Auth } from "@etcd-adapter/core/proto/etcdserverpb/auth_pb";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { storageBackends } from "../adapter/backends.js";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { GrpcClient, RpcError } from "../client/grpc-client.js";
import { temporaryFolder } from "../servers/folders.js";
import { command, commandOutput } from "./command.js";
import { hashKv, history, leases, rows } from "./content.js";
import { type Seeded, seed } from "./seed.js";

const KEYS = 400;

describe("snapshot restore", () => {
  const folder = temporaryFolder("restore");
  const file = join(folder, "saved");
  let source: AdapterProcess;
  let client: GrpcClient;
  let seeded: Seeded;

  before(async () => {
    source = await startAdapterProcess("memory:");
    client = new GrpcClient(source.address);
    seeded = await seed(client, KEYS);
    await client.unary(Auth.method.userAdd, { name: "root", password: "secret" });
    assert.match(
      await commandOutput(["snapshot", "save", file, `--endpoints=${source.url}`]),
      /in the format of etcd-adapter$/m,
    );
  });
  after(async () => {
    client.close();
    await source.stop();
  });

  test("status says what a file holds, and only its owner may read it", async () => {
    const status = JSON.parse(await commandOutput(["snapshot", "status", file, "--write-out=json"]));
    assert.equal(status.revision, Number(seeded.newest));
    assert.equal(status.totalSize, statSync(file).size);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const { totalKey } = status;
    assert.ok(totalKey > KEYS, `${totalKey} versions`);
    assert.match(
      await commandOutput(["snapshot", "status", file]),
      new RegExp(`^[0-9a-f]+, ${seeded.newest}, ${totalKey}, 0\\.\\d MB\n$`),
    );
  });

  for (const backend of storageBackends()) {
    describe(`into ${backend.name}`, () => {
      test("from the running server, with an equal HashKV", async () => {
        const fresh = await backend.fresh();
        const url = fresh === "sqlite:" ? `sqlite:${join(folder, "copied.db")}` : fresh;
        const { hash } = await hashKv(client, 0n);
        assert.match(
          await commandOutput(["copy", `--from=${source.url}`, `--to=${url}`, `--work-dir=${folder}`]),
          new RegExp(`^HashKV at revision ${seeded.newest} agrees: ${hash}$`, "m"),
        );
      });

      if (!backend.durable) return;
      test("from the file; then it serves the same, under the same revisions", async () => {
        const fresh = await backend.fresh();
        const url = fresh === "sqlite:" ? `sqlite:${join(folder, "restored.db")}` : fresh;
        const restore = ["snapshot", "restore", file, "--storage", url];
        assert.match(await commandOutput(restore), /with their revisions\nSHA-256 .* agrees/);
        assert.match(await commandOutput(restore), /^nothing to do/);
        const restored = await startAdapterProcess(url);
        const other = new GrpcClient(restored.address);
        const { compacted, newest } = seeded;
        for (const revision of [0n, newest, newest - 3n, compacted + 1n]) {
          assert.deepEqual(await hashKv(other, revision), await hashKv(client, revision));
        }
        assert.deepEqual(await rows(other), await rows(client));
        assert.deepEqual(await leases(other), await leases(client));
        assert.deepEqual(await history(other, compacted, newest), await history(client, compacted, newest));
        const old = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]), revision: compacted - 1n };
        await assert.rejects(other.unary(KV.method.range, old), /has been compacted/);
        const logIn = (password: string) => other.unary(Auth.method.authenticate, { name: "root", password });
        await assert.rejects(logIn("secret"), /authentication is not enabled/);
        await other.unary(Auth.method.roleAdd, { name: "root" });
        await other.unary(Auth.method.userGrantRole, { user: "root", role: "root" });
        await other.unary(Auth.method.authEnable, {});
        await assert.rejects(logIn("wrong"), (error) => error instanceof RpcError && error.code === 3);
        const { token } = await logIn("secret");
        const { header } = await other.unary(
          KV.method.put,
          { key: Buffer.from("next"), value: Buffer.from("one") },
          { metadata: { token } },
        );
        assert.equal(header!.revision, newest + 1n);
        other.close();
        await restored.stop();
        const refused = await command(restore);
        assert.deepEqual([refused.code, refused.out], [2, ""]);
        assert.match(refused.err, /has other data: the key "next"/);
      });
    });
  }
});
