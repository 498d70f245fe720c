import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { isStorageError } from "@etcd-adapter/core/storage";
import {
  type ConsulServer,
  isRequired,
  startConsul,
  waitUntil,
} from "@etcd-adapter/test/dist/servers/index.js";
import { openLog } from "@etcd-adapter/test/dist/storage-faults/index.js";
import consul from "./index.js";

interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly namespace: string | null;
  readonly partition: string | null;
  readonly body: string;
}

/** Stands for a Consul Enterprise: writes down what it is asked, and passes it on to one that knows no namespaces. */
function recordingProxy(consulUrl: string, recorded: Recorded[]): Server {
  return createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(incoming.url!, consulUrl);
    const { searchParams } = url;
    recorded.push({
      method: incoming.method!,
      path: url.pathname,
      namespace: searchParams.get("ns"),
      partition: searchParams.get("partition"),
      body: body.toString(),
    });
    for (const name of ["ns", "partition"]) searchParams.delete(name);
    const { method, headers } = incoming;
    const passed = request(url, { method: method!, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    outgoing.on("close", () => passed.destroy());
    passed.end(body);
  });
}

if (isRequired("consul"))
  describe("consul with namespaces and partitions", { timeout: 900_000 }, () => {
    const scope = { namespace: "team-a", partition: "edge" };
    const subject = { plugin: consul, options: scope };
    const recorded: Recorded[] = [];
    let server: ConsulServer;
    let proxy: Server;
    before(async () => {
      server = await startConsul();
      proxy = recordingProxy(server.httpUrl, recorded).listen(0, "127.0.0.1");
      await once(proxy, "listening");
    });
    after(async () => {
      proxy?.closeAllConnections();
      proxy?.close();
      await server?.[Symbol.asyncDispose]();
    });

    it("names them in every request, and in every operation of a transaction", async () => {
      const { port } = proxy.address() as AddressInfo;
      const prefix = (await server.freshPrefix()).split("/").at(-1);
      const log = await openLog(subject, `consul://127.0.0.1:${port}/${prefix}?max-value-bytes=16384`);
      let moves = 0;
      await log.subscribe!({ onMoved: () => moves++, onLost: assert.fail });
      await log.append(1n, () => Buffer.from("small"));
      await log.append(2n, () => Buffer.alloc(50_000));
      assert.equal((await log.read(0n, 1_000_000)).length, 2);
      async function* chunks() {
        yield Buffer.from("snapshot");
      }
      await log.saveSnapshot({ sequence: 2n, chunks: chunks() });
      for await (const chunk of (await log.loadSnapshot())!.chunks) assert.equal(String(chunk), "snapshot");
      await log.trim(2n);
      await log.size();
      await waitUntil(() => assert.ok(moves >= 2), { timeoutMs: 5_000 });
      await log.close();

      for (const { method, path, namespace, partition } of recorded)
        assert.deepEqual({ namespace, partition }, scope, `${method} ${path}`);
      const transactions = recorded.filter(({ path }) => path === "/v1/txn");
      const operations = transactions.flatMap(
        ({ body }) => JSON.parse(body) as { KV: Record<string, string> }[],
      );
      assert.deepEqual(new Set(operations.map(({ KV }) => KV.Verb)), new Set(["cas", "get", "delete"]));
      for (const { KV } of operations)
        assert.deepEqual({ namespace: KV.Namespace, partition: KV.Partition }, scope, `${KV.Verb} ${KV.Key}`);
      assert.deepEqual(new Set(recorded.map(({ method }) => method)), new Set(["GET", "PUT", "DELETE"]));
    });

    it("is misconfigured where Consul knows none", async () => {
      const url = await server.freshPrefix();
      for (const [option, value] of Object.entries(scope))
        await assert.rejects(
          openLog({ plugin: consul, options: { [option]: value } }, url),
          (error) => isStorageError(error, "misconfigured") && /Enterprise feature/.test(String(error)),
        );
    });
  });
