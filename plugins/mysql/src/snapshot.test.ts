import assert from "node:assert/strict";
import { test } from "node:test";
import { isRequired, startMariadb, startTidb } from "@etcd-adapter/test/dist/servers/index.js";
import { type Connection, connector } from "./connection.js";
import { fromUrl, options } from "./options.js";

const servers = [
  ["mariadb", startMariadb],
  ["tidb", startTidb],
] as const;

for (const [name, start] of servers)
  if (isRequired(name))
    test(`on ${name}, what is read behind a snapshot that failed is the newest`, {
      timeout: 300_000,
    }, async () => {
      await using server = await start();
      const settings = options.parse(fromUrl(await server.freshDatabase()));
      const connect = (): Promise<Connection> => connector(settings, "repeatable read")(() => {});
      const [reader, writer] = await Promise.all([connect(), connect()]);
      await writer.run(["create table t (a int)", "insert into t values (1)"]);
      const newest = () => reader.run(["select max(a) from t"]);

      const failed = assert.rejects(reader.snapshot(["select a from t", "select a from missing"]), /missing/);
      const waiting = newest();
      await failed;
      await waiting;
      await writer.run(["insert into t values (2)"]);
      assert.deepEqual(await newest(), [[[2]]]);

      const again = assert.rejects(reader.snapshot(["select a from t", "select a from missing"]), /missing/);
      await writer.run(["insert into t values (3)"]);
      const behind = await newest();
      await again;
      await writer.run(["insert into t values (4)"]);
      assert.deepEqual([behind, await newest()], [[[[3]]], [[[4]]]]);
      assert.deepEqual(await reader.snapshot(["select min(a) from t", "select max(a) from t"]), [
        [[1]],
        [[4]],
      ]);
      await Promise.all([reader.end(), writer.end()]);
    });
