import assert from "node:assert/strict";
import { test } from "node:test";
import { ALARM } from "../alarms/alarm-entry.js";
import { callUnary, openApi, type TestApi } from "../api/testing.js";
import { PutRequestSchema, PutResponseSchema } from "../gen/etcdserverpb/kv_pb.js";
import { PlainRoutes } from "../listener/plain.js";
import { openStore } from "../mvcc/testing.js";
import { plainRoutes } from "./routes.js";

async function get(api: TestApi, target: string): Promise<{ status: number; body: string }> {
  const { pathname: path, searchParams: query } = new URL(target, "http://x");
  const route = new PlainRoutes(plainRoutes(api)).find(path)!;
  const answer = await route.handle({ path, query, headers: {}, peer: { address: "127.0.0.1:1" } });
  return { status: answer.status, body: answer.body.toString() };
}

const GOOD = '{"health":"true","reason":""}';
const bad = (reason: string) => ({ status: 503, body: `{"health":"false","reason":"${reason}"}\n` });

test("version", async () => {
  const api = await openApi(await openStore());
  const { body } = await get(api, "/version");
  assert.equal(body, '{"etcdserver":"3.6.16","etcdcluster":"3.6.0","storage":"3.6.0"}');
  await api.close();
});

test("health follows the alarms, but for those excluded", async () => {
  const api = await openApi(await openStore());
  assert.deepEqual(await get(api, "/health"), { status: 200, body: GOOD });
  await api.alarms.activate({ memberId: 1n, type: ALARM.noSpace });
  assert.deepEqual(await get(api, "/health"), bad("ALARM NOSPACE"));
  assert.deepEqual(await get(api, "/health?exclude=NOSPACE"), { status: 200, body: GOOD });
  assert.equal((await get(api, "/readyz")).status, 200);
  await api.alarms.activate({ memberId: 1n, type: ALARM.corrupt });
  assert.deepEqual(await get(api, "/health?exclude=NOSPACE&serializable=true"), bad("ALARM CORRUPT"));
  assert.deepEqual(await get(api, "/readyz/data_corruption"), {
    status: 503,
    body: "[-]data_corruption failed: alarm activated: CORRUPT\n\n",
  });
  assert.deepEqual(await get(api, "/readyz?exclude=data_corruption"), { status: 200, body: "ok\n" });
  await api.close();
});

test("health is bad when the storage can't be read", async () => {
  const api = await openApi(await openStore());
  await api.close();
  assert.deepEqual(await get(api, "/health"), bad("RANGE ERROR:etcdserver: server stopped"));
  const { status, body } = await get(api, "/livez");
  assert.deepEqual([status, body], [503, "[-]serializable_read failed: etcdserver: server stopped\n\n"]);
});

test("checks report one by one when asked to", async () => {
  const api = await openApi(await openStore());
  assert.equal((await get(api, "/livez?verbose")).body, "[+]serializable_read ok\nok\n");
  assert.equal(
    (await get(api, "/readyz?verbose&exclude=linearizable_read")).body,
    "[+]data_corruption ok\n[+]serializable_read ok\n[+]non_learner ok\nok\n",
  );
  await api.close();
});

test("metrics and variables tell of what happened", async () => {
  const api = await openApi(await openStore());
  const request = { key: Buffer.from("k"), value: Buffer.from("v") };
  await callUnary(api, PutRequestSchema, PutResponseSchema, request);
  await assert.rejects(callUnary(api, PutRequestSchema, PutResponseSchema, {}));
  await get(api, "/health");
  await get(api, "/metrics");
  const { body } = await get(api, "/metrics");
  const wanted = [
    "etcd_server_has_leader 1",
    "etcd_server_health_success 1",
    "etcd_mvcc_put_total 1",
    "etcd_debugging_mvcc_keys_total 1",
    "etcd_debugging_mvcc_current_revision 2",
    'etcd_server_client_requests_total{type="unary",client_api_version="unknown"} 2',
    'grpc_server_started_total{grpc_type="unary",grpc_service="etcdserverpb.KV",grpc_method="Put"} 2',
    'grpc_server_handled_total{grpc_type="unary",grpc_service="etcdserverpb.KV",grpc_method="Put",grpc_code="InvalidArgument"} 1',
    'grpc_server_handled_total{grpc_type="bidi_stream",grpc_service="etcdserverpb.Watch",grpc_method="Watch",grpc_code="OK"} 0',
    "etcd_adapter_members 1",
  ];
  const missing = wanted.filter((line) => !body.includes(`${line}\n`));
  assert.deepEqual(missing, []);
  assert.doesNotMatch(body, /etcd_server_quota_backend_bytes/);
  const { "raft.status": raft } = JSON.parse((await get(api, "/debug/vars")).body);
  assert.equal(raft.raftState, "StateLeader");
  await api.close();
});
