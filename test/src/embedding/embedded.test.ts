import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { EtcdError, startEmbedded } from "@etcd-adapter/core";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";

const NO_PORT = { storage: "memory:", "listen-client-urls": [] };

describe("embedded", () => {
  test("the example runs, and its process ends by itself", () => {
    const example = fileURLToPath(new URL("../../../examples/embedded/main.mjs", import.meta.url));
    const output = execFileSync(process.execPath, [example], { encoding: "utf8", timeout: 30_000 });
    assert.equal(output, "read  hello\nwatch hello\n");
  });

  test("two adapters in one process know nothing of each other", async () => {
    const [one, other] = await Promise.all([startEmbedded(NO_PORT), startEmbedded(NO_PORT)]);
    await one.client.put("a", "1");
    assert.equal(await other.client.get("a"), undefined);
    await Promise.all([one.close(), other.close()]);
  });

  test("answers of any length", async () => {
    const { client, close } = await startEmbedded(NO_PORT);
    const value = "v".repeat(100_000);
    await client.put("long", value);
    assert.equal((await client.get("long"))?.toString(), value);
    await close();
  });

  test("errors are etcd's, as typed values", async () => {
    const { client, close } = await startEmbedded(NO_PORT);
    await assert.rejects(
      client.call(KV.method.range, { key: Buffer.from("a"), revision: 99n }),
      (error) => error instanceof EtcdError && error.id === "futureRevision",
    );
    await close();
  });

  test("a watch whose reader is slow loses nothing, and ends when the adapter stops", async () => {
    const { client, close } = await startEmbedded(NO_PORT);
    const revisions: bigint[] = [];
    const watching = (async () => {
      for await (const { events } of client.watch({ key: Buffer.from("k") })) {
        for (const { kv } of events) revisions.push(kv!.modRevision);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    for (let index = 0; index < 300; index++) await client.put("k", String(index));
    for (let turn = 0; turn < 500 && revisions.length < 300; turn++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(
      revisions,
      Array.from({ length: 300 }, (_, index) => BigInt(index + 2)),
    );
    await close();
    await watching;
  });

  test("options are checked, on a port it serves like the program", async () => {
    await assert.rejects(startEmbedded({ storage: "sqlit:x" }), /did you mean "sqlite"/);
    const { addresses, close } = await startEmbedded({
      storage: "memory:",
      "listen-client-urls": ["http://127.0.0.1:0"],
    });
    const answer = await fetch(`${addresses[0]}/version`);
    assert.equal(answer.status, 200);
    await close();
  });
});
