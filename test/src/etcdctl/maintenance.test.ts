/** The real etcdctl's commands for operators, on a real etcd and on the adapter. */
import assert from "node:assert/strict";
import { createReadStream, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { storageBackends } from "../adapter/backends.js";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { temporaryFolder } from "../servers/folders.js";
import { type EtcdServer, isRequired, startEtcd } from "../servers/index.js";
import { etcdctl, etcdctlLine, type Run, untilEnded } from "./run.js";

interface Status {
  readonly header: { readonly member_id: number; readonly revision: number; readonly raft_term: number };
  readonly [field: string]: unknown;
}

/** What differs between any two servers. */
function comparable(run: Run, url: string): Pick<Run, "code" | "output"> {
  const output = run.output
    .replaceAll(url, "URL")
    .replace(/"(ts|caller|target|peer)":"(\\.|[^"\\])*"/g, '"$1":""')
    .replace(/\b[0-9a-f]{15,16}\b/g, "ID")
    .replace(/took:? [^\n]*/g, "took");
  return { code: run.code, output };
}

const WRITES = ["put a 1", "put b 2", "del a", "put b 3", "put c 4", "compact 4 --physical", "del c"];

const COMMANDS = [
  "alarm list",
  "alarm disarm",
  "endpoint health",
  "endpoint hashkv",
  "endpoint hashkv --rev 5",
  "endpoint hashkv --rev 3",
  "endpoint hashkv --rev 99",
  "defrag",
  "move-leader 5",
  "member add other",
  "member add other --peer-urls=http://localhost",
  "member remove 5",
  "member promote 5",
  "member update 5 --peer-urls=http://localhost:1",
  "downgrade validate 3.5",
  "downgrade validate 3.3",
  "downgrade validate nonsense",
  "downgrade cancel",
  "lock mutex true",
];

async function statusOf(url: string): Promise<Status> {
  const [endpoint] = JSON.parse(await etcdctlLine(url, ["endpoint", "status", "--write-out=json"]));
  return endpoint.Status;
}

if (isRequired("etcd")) {
  for (const backend of storageBackends()) {
    describe(`etcdctl for operators on ${backend.name}`, () => {
      let reference: EtcdServer;
      let adapter: AdapterProcess;

      before(async () => {
        reference = await startEtcd();
        adapter = await startAdapterProcess(await backend.fresh());
        for (const write of WRITES) {
          for (const { url } of [reference, adapter]) await etcdctlLine(url, write.split(" "));
        }
      });
      after(() => Promise.all([reference.stop(), adapter.stop()]));

      for (const command of COMMANDS) {
        test(command, async () => {
          const [expected, actual] = await Promise.all(
            [reference.url, adapter.url].map(async (url) =>
              comparable(await etcdctl(url, command.split(" ")), url),
            ),
          );
          assert.deepEqual(actual, expected);
        });
      }

      test("endpoint status", async () => {
        const [expected, actual] = await Promise.all([statusOf(reference.url), statusOf(adapter.url)]);
        for (const field of ["version", "storageVersion", "downgradeInfo", "isLearner", "errors"]) {
          assert.deepEqual(actual[field], expected[field], field);
        }
        assert.equal(actual.header.revision, expected.header.revision);
        assert.equal(actual.leader, actual.header.member_id);
        assert.equal(actual.raftTerm, actual.header.raft_term);
        assert.equal(actual.raftIndex, actual.raftAppliedIndex);
        for (const size of ["dbSize", "dbSizeInUse"]) assert.ok(Number(actual[size]) > 0, size);
      });

      test("member list, and what is refused to the only member", async () => {
        const { members } = JSON.parse(
          await etcdctlLine(adapter.url, ["member", "list", "--write-out=json"]),
        );
        const [{ ID, name, clientURLs }] = members;
        assert.deepEqual([members.length, name, clientURLs], [1, "default", [adapter.url]]);
        const status = await statusOf(adapter.url);
        assert.equal(ID, status.header.member_id);
        const [row] = (await etcdctlLine(adapter.url, ["member", "list"])).split(",");
        const refusal = /re-configuration failed due to not enough started members/;
        assert.match((await etcdctl(adapter.url, ["member", "remove", row!])).output, refusal);
        const another = ["member", "add", "another", "--peer-urls=http://localhost:1"];
        assert.match((await etcdctl(adapter.url, another)).output, refusal);
        assert.match((await etcdctl(adapter.url, ["move-leader", row!])).output, /^Leadership transferred/);
      });

      test("snapshot save, of a size that etcdctl takes for whole", async () => {
        const file = join(temporaryFolder("snapshot"), "saved");
        assert.match(await etcdctlLine(adapter.url, ["snapshot", "save", file]), /Server version 3\.6\.0$/);
        assert.equal(statSync(file).size % 512, 32);
        for await (const start of createReadStream(file, { end: 22 })) {
          assert.equal(start.toString("latin1"), "etcd-adapter-snapshot-1");
        }
      });

      test("an election has one leader, which its observers hear of", async () => {
        const elect = (...args: string[]) => untilEnded(adapter.url, ["elect", "chief", ...args]);
        const observer = elect("--listen");
        const first = elect("one");
        const held = ["get", "--prefix", "chief/", "--print-value-only"];
        while ((await etcdctlLine(adapter.url, held)) !== "one");
        const second = elect("two");
        while ((await etcdctlLine(adapter.url, held)).split("\n").length < 2);
        assert.match((await first.end()).output, /^chief\/[0-9a-f]+\none\n/);
        while ((await etcdctlLine(adapter.url, held)) !== "two");
        while (!second.output().includes("two") || !observer.output().includes("two")) await pause(20);
        assert.match((await second.end()).output, /^chief\/[0-9a-f]+\ntwo\n/);
        assert.match((await observer.end()).output, /^chief\/[0-9a-f]+\none\nchief\/[0-9a-f]+\ntwo\n/);
      });
    });

    // The databases compress values and tell of their size late; what the quota does with a size is the same.
    if (["postgres", "mariadb", "tidb"].includes(backend.name)) continue;
    describe(`a quota on ${backend.name}`, () => {
      let adapter: AdapterProcess;

      before(async () => {
        const args = ["--quota-backend-bytes=400000"];
        adapter = await startAdapterProcess(await backend.fresh(), { args });
      });
      after(() => adapter.stop());

      test("refuses writes with an alarm, until that is disarmed", async () => {
        let refused = "";
        for (let index = 0; refused === "" && index < 40; index++) {
          const { code, output } = await etcdctl(adapter.url, ["put", `key${index}`, "x".repeat(20_000)]);
          if (code !== 0) refused = output;
        }
        assert.match(refused, /etcdserver: mvcc: database space exceeded/);
        assert.match(await etcdctlLine(adapter.url, ["alarm", "list"]), /^memberID:\d+ alarm:NOSPACE$/);
        const health = await fetch(`${adapter.url}/health`);
        assert.equal(await health.text(), '{"health":"false","reason":"ALARM NOSPACE"}\n');
        assert.match((await etcdctl(adapter.url, ["put", "small", "x"])).output, /database space exceeded/);
        await etcdctlLine(adapter.url, ["del", "key", "--prefix"]);
        assert.match(await etcdctlLine(adapter.url, ["alarm", "disarm"]), /alarm:NOSPACE/);
        assert.equal(await etcdctlLine(adapter.url, ["alarm", "list"]), "");
      });
    });
  }
}
