import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code } from "../errors.js";
import {
  type CampaignRequest,
  CampaignRequestSchema,
  CampaignResponseSchema,
  Election,
  type LeaderKey,
  LeaderRequestSchema,
  type LeaderResponse,
  LeaderResponseSchema,
  ProclaimRequestSchema,
  ProclaimResponseSchema,
  ResignRequestSchema,
  ResignResponseSchema,
} from "../gen/v3electionpb/election_pb.js";
import { openStore } from "../mvcc/testing.js";
import type { StreamCall } from "./service.js";
import { callContext, callUnary, openApi, type TestApi } from "./testing.js";

const NAME = Buffer.from("e");

async function openWithLeases(): Promise<TestApi> {
  const api = await openApi(await openStore());
  for (const id of [1n, 2n]) await api.store.lessor.grant(id, 600n);
  return api;
}

function campaign(api: TestApi, lease: CampaignRequest["lease"], value: string, context = callContext()) {
  const request = { name: NAME, lease, value: Buffer.from(value) };
  return callUnary(api, CampaignRequestSchema, CampaignResponseSchema, request, context);
}

function resign(api: TestApi, leader: LeaderKey | undefined) {
  return callUnary(api, ResignRequestSchema, ResignResponseSchema, leader ? { leader } : {});
}

function proclaim(api: TestApi, leader: LeaderKey, value: string) {
  const request = { leader, value: Buffer.from(value) };
  return callUnary(api, ProclaimRequestSchema, ProclaimResponseSchema, request);
}

async function leader(api: TestApi): Promise<string> {
  const { kv } = await callUnary(api, LeaderRequestSchema, LeaderResponseSchema, { name: NAME });
  return Buffer.from(kv!.value).toString();
}

function observe(api: TestApi, signal: AbortSignal, seen: string[]): Promise<void> {
  const service = api.services.find(({ service }) => service === Election)!;
  const method = service.methods.find((each) => each.method.localName === "observe")!;
  async function* requests() {
    yield create(LeaderRequestSchema, { name: NAME });
  }
  const call: StreamCall = {
    context: callContext(signal),
    requests: requests(),
    send(response) {
      const { kv, header } = response as LeaderResponse;
      seen.push(`${Buffer.from(kv!.value)}@${header!.revision}`);
      return true;
    },
    onDrain() {},
  };
  return method.kind === "stream" ? method.handle(call) : Promise.reject(new Error("not a stream"));
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("leaders follow each other, and an observer sees each of their values", async () => {
  const api = await openWithLeases();
  const seen: string[] = [];
  const controller = new AbortController();
  const observing = observe(api, controller.signal, seen);
  const first = await campaign(api, 1n, "one");
  assert.equal(first.leader?.rev, 2n);
  await until(() => seen.length === 1);
  await proclaim(api, first.leader!, "uno");
  await until(() => seen.length === 2);
  const second = campaign(api, 2n, "two");
  await until(async () => api.store.revision === 4n);
  assert.equal(await leader(api), "uno");
  await resign(api, first.leader);
  assert.equal(Buffer.from((await second).leader!.key).toString(), "e/2");
  await until(() => seen.length === 3);
  assert.deepEqual(seen, ["one@2", "uno@3", "two@5"]);
  await assert.rejects(proclaim(api, first.leader!, "late"), {
    code: Code.unknown,
    message: "election: not leader",
  });
  await resign(api, first.leader);
  assert.equal(await leader(api), "two");
  controller.abort();
  await assert.rejects(observing, { code: Code.canceled });
  await api.close();
});

test("a candidate that gives up leaves no key behind", async () => {
  const api = await openWithLeases();
  const { leader: first } = await campaign(api, 1n, "one");
  const controller = new AbortController();
  const second = campaign(api, 2n, "two", callContext(controller.signal));
  await until(() => api.store.revision === 3n);
  controller.abort();
  await assert.rejects(second, { code: Code.canceled });
  await resign(api, first);
  await assert.rejects(leader(api), { code: Code.unknown, message: "election: no leader" });
  await api.close();
});

test("a candidate that asks again with another value announces it", async () => {
  const api = await openWithLeases();
  const first = await campaign(api, 1n, "one");
  const again = await campaign(api, 1n, "other");
  assert.equal(again.leader?.rev, first.leader?.rev);
  assert.equal(await leader(api), "other");
  await assert.rejects(resign(api, undefined), { message: '"leader" field must be provided' });
  await api.close();
});
