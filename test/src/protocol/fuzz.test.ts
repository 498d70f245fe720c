/**
 * Clients at random, over both transports and the gateway: valid requests, broken ones, bytes that are none. For
 * minutes, or once more: ETCD_ADAPTER_FUZZ_SECONDS=300 ETCD_ADAPTER_FUZZ_SEED=1 npm test -- protocol/fuzz
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";
import { Random } from "../histories/random.js";
import { waitUntil } from "../servers/index.js";
import { type Attack, connect, firstBytes, gateway, grpc } from "./fuzz/attacks.js";
import { openFiles, residentBytes } from "./resident.js";

const SECONDS = Number(process.env.ETCD_ADAPTER_FUZZ_SECONDS ?? 5);
const SEED = Number(process.env.ETCD_ADAPTER_FUZZ_SEED ?? Date.now() % 2 ** 31);
const ATTACKERS = 24;
const CONNECTS_PER_SECOND = 1_000;
const GROWTH_BYTES_MAX = 150e6;
/** What Node's HTTP/2 leaves open under grpc-js when a client goes in the middle of a frame, only keep-alive closes. */
const KEEPALIVE = ["--grpc-keepalive-interval=3s", "--grpc-keepalive-timeout=2s"];
/** On a machine that does other things. */
const ANSWER_MS_MAX = 5_000;

/** Attackers, one attack after the other each, until the time is over; gives how many attacks there were. */
async function storm(adapter: AdapterProcess, attacks: readonly Attack[], ms: number): Promise<number> {
  const end = performance.now() + ms;
  let count = 0;
  const attacker = async (random: Random) => {
    for (; performance.now() < end; count++) await random.pick(attacks)(random, adapter);
  };
  await Promise.all(Array.from({ length: ATTACKERS }, (_, index) => attacker(new Random(SEED + index))));
  return count;
}

/** So many a second, whether or not the ones before have gone. */
async function connects(adapter: AdapterProcess, ms: number): Promise<number> {
  const random = new Random(SEED);
  const began = performance.now();
  const open: Promise<void>[] = [];
  for (let now = 0; now < ms; now = performance.now() - began) {
    while (open.length < (now / 1_000) * CONNECTS_PER_SECOND) open.push(connect(random, adapter));
    await sleep(5);
  }
  await Promise.all(open);
  return open.length;
}

async function answers(adapter: AdapterProcess): Promise<number> {
  assert.ok(adapter.isRunning, `the process has ended:\n${adapter.logTail()}`);
  const client = new GrpcClient(adapter.address);
  const started = performance.now();
  // In one transaction: what attackers send may well delete every key.
  const [key, value] = [Buffer.from("alive"), Buffer.from(`${started}`)];
  const { responses } = await client.unary(KV.method.txn, {
    success: [
      { request: { case: "requestPut", value: { key, value } } },
      { request: { case: "requestRange", value: { key } } },
    ],
  });
  const got = responses[1]?.response;
  assert.equal(got?.case, "responseRange");
  assert.equal(Buffer.from(got.value.kvs[0]!.value).toString(), `${started}`);
  const overGateway = await fetch(`${adapter.url}/v3/kv/range`, {
    method: "POST",
    body: '{"key":"YWxpdmU="}',
  });
  assert.equal(overGateway.status, 200);
  assert.ok("header" in ((await overGateway.json()) as object));
  client.close();
  return performance.now() - started;
}

/** What the log says of faults of its own: the wrongs of clients are none. */
function faults(adapter: AdapterProcess): string[] {
  const isFault = (line: string) => {
    if (!line.startsWith("{")) return line !== "";
    return (JSON.parse(line) as { level: number }).level >= 50;
  };
  return readFileSync(adapter.logFile, "utf8").split("\n").filter(isFault);
}

const STORMS: Record<string, (adapter: AdapterProcess, ms: number) => Promise<number>> = {
  "gRPC messages": (adapter, ms) => storm(adapter, [grpc], ms),
  "gateway bodies and first bytes": (adapter, ms) => storm(adapter, [gateway, firstBytes], ms),
  "a thousand connects a second": connects,
  everything: (adapter, ms) => storm(adapter, [grpc, gateway, firstBytes, connect], ms),
};

for (const transport of ["grpc-js", "own"])
  describe(`fuzzing, gRPC by ${transport}, seed ${SEED}`, { timeout: (SECONDS + 60) * 4_000 }, () => {
    for (const [name, begin] of Object.entries(STORMS))
      test(`${name}: the process lives, answers, keeps its memory and logs no fault`, async (t) => {
        const adapter = await startAdapterProcess("memory:", {
          args: [`--grpc-transport=${transport}`, ...KEEPALIVE],
        });
        try {
          // What any work costs is not what the storm costs.
          await begin(adapter, 500);
          await answers(adapter);
          const [bytes, files] = [residentBytes(adapter.pid), openFiles(adapter.pid)];
          const attacked = begin(adapter, SECONDS * 1_000);
          let slowest = 0;
          let over = false;
          const watched = attacked.finally(() => {
            over = true;
          });
          while (!over) {
            slowest = Math.max(slowest, await answers(adapter));
            await sleep(200);
          }
          const count = await watched;
          const grown = residentBytes(adapter.pid) - bytes;
          t.diagnostic(
            `${count} attacks in ${SECONDS} s; the slowest valid calls took ${slowest.toFixed()} ms; ` +
              `resident ${(bytes / 1e6).toFixed()} MB and ${(grown / 1e6).toFixed()} MB more`,
          );
          assert.deepEqual(faults(adapter), []);
          assert.ok(grown < GROWTH_BYTES_MAX, `${grown} bytes more`);
          assert.ok(slowest < ANSWER_MS_MAX, `${slowest} ms`);
          await waitUntil(() => assert.ok(openFiles(adapter.pid) <= files + 10), { timeoutMs: 20_000 });
        } finally {
          await adapter.discard();
        }
      });
  });
