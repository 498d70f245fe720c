/** The real etcdctl against a real etcd and against the adapter: the same commands, the same output. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { storageBackends } from "../adapter/backends.js";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { built, type EtcdServer, isRequired, startEtcd } from "../servers/index.js";
import { etcdctl, type Run } from "./run.js";

/** What names this server, or a time, is not compared. */
function comparable(run: Run, url: string): Pick<Run, "code" | "output"> {
  const output = run.output
    .replaceAll(url, "URL")
    .replace(/"(ts|caller|target|peer)":"[^"]*"/g, '"$1":""')
    .replace(/"(ClusterID|MemberID)" : \d+/g, '"$1" : 0')
    .replace(/"(cluster_id|member_id|raft_term)":\d+/g, '"$1":0')
    .replace(/lease [0-9a-f]{16}/g, "lease ID")
    .replace(/remaining\(\d+s\)/g, "remaining(s)");
  return { code: run.code, output };
}

const COMMANDS: (string | [command: string, input: string])[] = [
  "put a 1",
  "put a 2 --prev-kv",
  "put b 1",
  "put ab 3",
  "put long key",
  "get a",
  "get a --hex",
  "get a --print-value-only",
  "get a b",
  "get a --prefix",
  "get --prefix a --keys-only",
  "get --prefix a --count-only --write-out=fields",
  "get --from-key b",
  "get --prefix '' --limit 2",
  "get --prefix '' --sort-by=MODIFY --order=DESCEND",
  "get --prefix '' --sort-by=KEY --order=DESCEND --limit 1",
  "get a --rev 2",
  "get a --rev 1000",
  "get a --write-out=json",
  "get a --write-out=simple --consistency=s",
  "put a --ignore-value",
  "put missing --ignore-value",
  "put a x --lease=123",
  "del b",
  "del b",
  "del --prefix a --prev-kv",
  "get --prefix ''",
  ["txn", 'value("long") = "key"\n\nput yes 1\nget yes\n\nput no 1\n\n'],
  ["txn", 'mod("yes") > "100"\n\nput x 1\n\nget yes\ndel long\n\n'],
  ["txn", "\n\nput same 1\nput same 2\n\n\n"],
  "compact 5",
  "compact 5",
  "compact 999",
  "get yes --rev 4",
  "lease grant 100",
  "lease grant 9000000001",
  "lease revoke 7b",
  "lease timetolive 7b",
  "lease keep-alive 7b",
  "lease list",
  "alarm list",
  "endpoint health",
];

function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
}

if (isRequired("etcd")) {
  for (const backend of storageBackends()) {
    describe(`etcdctl on ${backend.name}`, () => {
      let reference: EtcdServer;
      let adapter: AdapterProcess;

      before(async () => {
        reference = await startEtcd();
        adapter = await startAdapterProcess(await backend.fresh());
      });
      after(() => Promise.all([reference.stop(), adapter.stop()]));

      for (const entry of COMMANDS) {
        const [command, input] = typeof entry === "string" ? [entry, ""] : entry;
        test(command + input.replaceAll("\n", " "), async () => {
          const [expected, actual] = await Promise.all(
            [reference.url, adapter.url].map(async (url) =>
              comparable(await etcdctl(url, words(command), { input }), url),
            ),
          );
          if (command === "lease list") return assert.match(actual!.output, /^found 1 leases\n/);
          if (command === "endpoint health") return assert.match(actual!.output, /^URL is healthy: /);
          assert.deepEqual(actual, expected);
        });
      }

      test("a watch from a past revision prints history, then what comes", async () => {
        const { output: before } = await etcdctl(adapter.url, ["put", "w", "1", "--write-out=json"]);
        const { revision } = (JSON.parse(before) as { header: { revision: number } }).header;
        const { etcdctl: program } = await built("etcd");
        const watch = spawn(program, [`--endpoints=${adapter.url}`, "watch", "w", `--rev=${revision}`]);
        let output = "";
        watch.stdout.on("data", (chunk: Buffer) => {
          output += chunk.toString();
        });
        const shows = async (text: string): Promise<void> => {
          for (let turn = 0; turn < 500 && output !== text; turn++) {
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
          assert.equal(output, text);
        };
        await shows("PUT\nw\n1\n");
        await etcdctl(adapter.url, ["put", "w", "2"]);
        await etcdctl(adapter.url, ["del", "w"]);
        await shows("PUT\nw\n1\nPUT\nw\n2\nDELETE\nw\n\n");
        watch.kill();
      });

      test("a lease is kept alive, and its keys go with it", async () => {
        const { output } = await etcdctl(adapter.url, ["lease", "grant", "2"]);
        const id = /lease ([0-9a-f]+)/.exec(output)![1]!;
        await etcdctl(adapter.url, ["put", "leased", "1", `--lease=${id}`]);
        const { etcdctl: program } = await built("etcd");
        const keeping = spawn(program, [`--endpoints=${adapter.url}`, "lease", "keep-alive", id]);
        await new Promise((resolve) => setTimeout(resolve, 4_000));
        assert.equal((await etcdctl(adapter.url, ["get", "leased"])).output, "leased\n1\n");
        keeping.kill();
        await new Promise((resolve) => setTimeout(resolve, 4_000));
        assert.equal((await etcdctl(adapter.url, ["get", "leased"])).output, "");
      });
    });
  }
}
