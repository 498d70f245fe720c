import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { QueryStorage, Revision } from "@etcd-adapter/core/storage";
import { isRequired, startMariadb } from "@etcd-adapter/test/dist/servers/index.js";
import { openStorage } from "@etcd-adapter/test/dist/storage-faults/index.js";
import { createConnection } from "mysql2/promise";
import mysql from "./index.js";

const REVISIONS = 160;
const FIELD_BYTES = 1 << 20;
const REVISIONS_A_COMMIT = 8;
const NOTHING = { sequence: 0n, revision: 1n };

if (isRequired("mariadb")) {
  test("of a log with large values, no more is asked for at once than fits into memory", {
    timeout: 120_000,
  }, async () => {
    await using server = await startMariadb();
    const url = await server.freshDatabase();
    const storage = await openStorage(mysql, url);
    await write(storage);
    const status = await createConnection(url);
    const sent = async () => {
      const [rows] = await status.query("show global status like 'Bytes_sent'");
      return Number((rows as { Value: string }[])[0]!.Value);
    };

    const before = await sent();
    const { changes } = await storage.since({
      ...{ after: NOTHING, limit: 2_000, previous: false, keys: [], linearizable: true, reserve: true },
    });
    const news = await sent();
    assert.ok(news - before < (REVISIONS * FIELD_BYTES) / 1.5, `${news - before} bytes of news`);
    await storage.release?.();
    let revisions = 0;
    const query = { through: changes.through, interval: null, limit: 2_000, previous: false };
    for (let after = 1n; after < changes.through; ) {
      const page = await storage.changes({ ...query, after });
      revisions += page.revisions.length;
      after = page.through;
    }
    assert.equal(revisions, Number(changes.through) - 1);
    // Who has learnt how large they are reads them once.
    const read = (await sent()) - news;
    assert.ok(read < 1.5 * revisions * FIELD_BYTES + (1 << 20), `${read} bytes for ${revisions} revisions`);
    await status.end();
    await storage.close();
  });
}

async function write(storage: QueryStorage): Promise<void> {
  for (let written = 0; written < REVISIONS; written += REVISIONS_A_COMMIT) {
    const base = await storage.head();
    const revisions = Array.from({ length: REVISIONS_A_COMMIT }, (_, index): Revision => {
      const key = Buffer.from(`key ${written + index}`);
      const change = { key, field: randomBytes(FIELD_BYTES), deleted: false, previous: 0n, lease: 0n };
      return { revision: base.revision + 1n + BigInt(index), changes: [change] };
    });
    const head = { ...base, sequence: base.sequence + 1n, revision: revisions.at(-1)!.revision };
    await storage.commit({ id: randomBytes(16), base, head, revisions, registry: [] });
  }
}
