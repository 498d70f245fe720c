/** What APISIX sends over its life, byte for byte in its manner, and what it reads from the answers. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { storageBackends } from "../adapter/backends.js";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { base64, type Fields, HttpWatch, send } from "./http.js";

const RANGE_FIELDS = {
  limit: 0,
  revision: 0,
  sort_order: 0,
  sort_target: 0,
  min_mod_revision: 0,
  max_mod_revision: 0,
  min_create_revision: 0,
  max_create_revision: 0,
  serializable: false,
  keys_only: false,
  count_only: false,
};

const ROUTE = base64("/apisix/routes/1");

for (const backend of storageBackends()) {
  describe(`APISIX on ${backend.name}`, () => {
    let adapter: AdapterProcess;
    let created = 0;
    let leaseId = "";

    before(async () => {
      adapter = await startAdapterProcess(await backend.fresh());
    });
    after(() => adapter.stop());

    const post = (path: string, body: unknown) =>
      // lua-cjson escapes slashes.
      send(adapter.url, path, JSON.stringify(body).replaceAll("/", "\\/"));
    const revision = (fields: Fields): number => Number(fields.header!.revision);

    test("init: the version, then the placeholders", async () => {
      const version = await send(adapter.url, "/version", undefined);
      assert.match(String(version.json.etcdcluster), /^3\.\d+\.\d+$/);
      const answer = await post("/v3/kv/put", { value: base64("init_dir"), key: base64("/apisix/routes/") });
      assert.equal(answer.status, 200);
      assert.ok(!answer.text.includes("error"));
      assert.deepEqual(Object.keys(answer.json), ["header"]);
      assert.deepEqual(Object.keys(answer.json.header!), [
        "cluster_id",
        "member_id",
        "revision",
        "raft_term",
      ]);
    });

    test("a put answers with the pair before, when there was one", async () => {
      const first = await post("/v3/kv/put", { key: ROUTE, value: base64('{"uri":"/a"}'), prev_kv: true });
      assert.equal(first.json.prev_kv, undefined);
      created = revision(first.json);
      const second = await post("/v3/kv/put", { key: ROUTE, value: base64('{"uri":"/b"}'), prev_kv: true });
      assert.deepEqual(second.json.prev_kv, {
        key: ROUTE,
        create_revision: String(created),
        mod_revision: String(created),
        version: "1",
        value: base64('{"uri":"/a"}'),
      });
    });

    test("reading a directory, a single item, and nothing", async () => {
      const range = (key: string, end: string) =>
        post("/v3/kv/range", { key: base64(key), range_end: base64(end), ...RANGE_FIELDS });
      const all = await range("/apisix", "/apisiy");
      assert.equal(all.json.count, "2");
      const kvs = all.json.kvs as { key: string }[];
      assert.deepEqual(
        kvs.map((kv) => Buffer.from(kv.key, "base64").toString()),
        ["/apisix/routes/", "/apisix/routes/1"],
      );
      const one = await range("/apisix/routes/1", "/apisix/routes/2");
      assert.equal((one.json.kvs as { key: string }[])[0]!.key, ROUTE);
      const none = await range("/apisix/phantomkey", "/apisix/phantomkez");
      assert.deepEqual(Object.keys(none.json), ["header"]);
    });

    test("a PATCH is a transaction on mod_revision; a stale one fails and makes no revision", async () => {
      const body = {
        compare: [{ key: ROUTE, target: "MOD", result: "EQUAL", mod_revision: created + 1 }],
        success: [{ requestPut: { key: ROUTE, value: base64('{"uri":"/a"}') } }],
      };
      const done = await post("/v3/kv/txn", body);
      const now = done.json.header!.revision;
      assert.equal(done.json.succeeded, true);
      assert.deepEqual(done.json.responses, [{ response_put: { header: { revision: now } } }]);
      const stale = await post("/v3/kv/txn", body);
      assert.equal(stale.status, 200);
      assert.deepEqual(Object.keys(stale.json), ["header"]);
      assert.equal(stale.json.header!.revision, now);
    });

    test("setnx compares without a result and in camelCase", async () => {
      const answer = await post("/v3/kv/txn", {
        compare: [{ target: "CREATE", key: base64("/setnx"), createRevision: 0 }],
        success: [{ requestPut: { key: base64("/setnx"), value: base64('"a"') } }],
      });
      assert.equal(answer.json.succeeded, true);
    });

    test("server-info: a lease as a string, kept alive, revoked", async () => {
      const grant = await post("/v3/lease/grant", { TTL: 60, ID: 0 });
      leaseId = grant.json.ID as string;
      assert.match(leaseId, /^\d+$/);
      assert.equal(grant.json.TTL, "60");
      const key = base64("/apisix/data_plane/server_info/n1");
      await post("/v3/kv/put", { key, value: base64("{}"), lease: leaseId, prev_kv: true });
      const alive = await post("/v3/lease/keepalive", { ID: leaseId });
      assert.equal(alive.text.endsWith("\n"), true);
      assert.deepEqual(
        { ...(alive.json.result as Fields), header: undefined },
        { header: undefined, ID: leaseId, TTL: "60" },
      );
      const unknown = await post("/v3/lease/keepalive", { ID: "123456" });
      assert.equal((unknown.json.result as Fields).TTL, undefined);
      await post("/v3/kv/lease/revoke", { ID: leaseId });
      const gone = await post("/v3/kv/range", { key, ...RANGE_FIELDS });
      assert.equal(gone.json.kvs, undefined);
    });

    test("a watch: created at once, changes within milliseconds, one revision a message at least", async () => {
      const start = revision((await post("/v3/kv/range", { key: base64("x") })).json) + 1;
      const request = { key: base64("/apisix/"), range_end: base64("/apisix0"), start_revision: start };
      const watch = await HttpWatch.open(adapter.url, { create_request: request });
      const created = (await watch.line(0)).result as Fields;
      assert.equal(created.created, true);
      assert.equal(created.events, undefined);
      const sent = performance.now();
      await post("/v3/kv/put", { key: ROUTE, value: base64("1") });
      const event = (await watch.line(1)).result as Fields & { events: { type?: string; kv: Fields }[] };
      assert.ok(watch.times[1]! - sent < 1_000);
      assert.equal(revision(event), start);
      assert.deepEqual([event.events[0]!.type, event.events[0]!.kv.value], [undefined, base64("1")]);
      await post("/v3/kv/deleterange", { key: ROUTE });
      const deleted = (await watch.line(2)).result as typeof event;
      assert.equal(revision(deleted), start + 1);
      assert.deepEqual(deleted.events, [
        { type: "DELETE", kv: { key: ROUTE, mod_revision: String(start + 1) } },
      ]);
      watch.close();
    });

    test("deleting nothing is an empty 200 and no revision", async () => {
      const before = revision((await post("/v3/kv/range", { key: base64("x") })).json);
      const answer = await post("/v3/kv/deleterange", {
        key: base64("/apisix/consumers/jack/credentials/"),
        range_end: base64("/apisix/consumers/jack/credentials0"),
      });
      assert.deepEqual(Object.keys(answer.json), ["header"]);
      assert.equal(revision(answer.json), before);
    });

    test("after a compaction an old watch is told where to go on", async () => {
      const now = revision((await post("/v3/kv/put", { key: base64("c"), value: "" })).json);
      await post("/v3/kv/put", { key: base64("c"), value: "" });
      assert.equal((await post("/v3/kv/compaction", { revision: now })).status, 200);
      const watch = await HttpWatch.open(adapter.url, {
        create_request: { key: base64("c"), start_revision: now - 1 },
      });
      assert.equal(((await watch.line(0)).result as Fields).created, true);
      const canceled = (await watch.line(1)).result as Fields;
      assert.deepEqual([canceled.canceled, canceled.compact_revision], [true, String(now)]);
      watch.close();
      const later = await HttpWatch.open(adapter.url, {
        create_request: { key: base64("c"), start_revision: now },
      });
      assert.ok(((await later.line(1)).result as Fields).events);
      later.close();
    });

    test("errors carry a string in `error`, and the client's faults are no 5xx", async () => {
      const bad = await post("/v3/kv/put", { value: base64("x") });
      assert.equal(bad.status, 400);
      assert.deepEqual(bad.json, {
        error: "etcdserver: key is not provided",
        code: 3,
        message: "etcdserver: key is not provided",
      });
      assert.equal((await send(adapter.url, "/v3/kv/put", '{"key":"%%%"}')).status, 400);
      assert.equal((await send(adapter.url, "/v3/kv/put", "{")).status, 400);
      assert.equal((await send(adapter.url, "/v3/nothing", "{}")).status, 404);
    });
  });
}
