import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadConfig } from "./config.js";
import { ConfigError } from "./config-error.js";
import { parseDuration } from "./values.js";

const folder = mkdtempSync(join(tmpdir(), "etcd-adapter-config-"));
after(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, "etcd.yaml");
  writeFileSync(path, text);
  return path;
}

function refused(args: string[], environment: NodeJS.ProcessEnv, message: RegExp): void {
  assert.throws(
    () => loadConfig(args, environment),
    (error) => error instanceof ConfigError && message.test(error.message),
  );
}

test("without anything: SQLite, on etcd's port", () => {
  const { config, warnings } = loadConfig([], {});
  assert.equal(config.storage, "sqlite:");
  assert.deepEqual(config["listen-client-urls"], ["http://127.0.0.1:2379"]);
  assert.equal(config["max-request-bytes"], 1_572_864);
  assert.deepEqual(warnings, []);
});

test("the command line comes before the environment, and that before the file", () => {
  const path = file("name: file\nmax-txn-ops: 1\nlog-level: warn\n");
  const { config } = loadConfig(["--config", path, "--name=flag"], {
    ETCD_NAME: "env",
    ETCD_MAX_TXN_OPS: "2",
  });
  assert.equal(config.name, "flag");
  assert.equal(config["max-txn-ops"], 2);
  assert.equal(config["log-level"], "warn");
});

test("values as etcd writes them", () => {
  const { config } = loadConfig(
    ["-listen-client-urls", "http://127.0.0.1:1,http://[::1]:2", "--grpc-keepalive-min-time=1m30s"],
    {},
  );
  assert.deepEqual(config["listen-client-urls"], ["http://127.0.0.1:1", "http://[::1]:2"]);
  assert.equal(config["grpc-keepalive-min-time"], 90_000);
  assert.equal(parseDuration("1h0.5s"), 3_600_500);
  assert.equal(parseDuration("5"), undefined);
});

test("a storage can be a URL or be spelled out", () => {
  const path = file("storage:\n  plugin: sqlite\n  options:\n    path: x.db\n");
  assert.deepEqual(loadConfig(["--config", path], {}).config.storage, {
    plugin: "sqlite",
    options: { path: "x.db" },
  });
});

test("flags about raft and peers are accepted with a warning", () => {
  const { warnings } = loadConfig(["--snapshot-count=5", "--initial-cluster", "a=http://127.0.0.1:1"], {});
  assert.deepEqual(warnings, [
    "--snapshot-count has no effect here and is ignored.",
    "--initial-cluster has no effect here and is ignored.",
  ]);
});

test("what is wrong is said where it stands, with the way out", () => {
  refused(
    ["--listen-client-url=http://127.0.0.1:1"],
    {},
    /^--listen-client-url is not an option; did you mean listen-client-urls\?/,
  );
  refused(["--max-txn-ops=many"], {}, /^--max-txn-ops: a whole number is needed\.$/);
  refused(["--max-txn-ops"], {}, /^--max-txn-ops needs a value/);
  refused(["--max-txn-ops=0"], {}, /above 0/);
  refused(["serve"], {}, /^"serve" is not an option/);
  refused([], { ETCD_REQUEST_TIMEOUT: "soon" }, /^ETCD_REQUEST_TIMEOUT: a duration such as/);
  refused(["--listen-client-urls=localhost:2379"], {}, /URLs such as/);
  refused(
    ["--config", file("name: x\nlog-levle: info\n")],
    {},
    /etcd\.yaml, line 2: log-levle is not an option; did you mean log-level\?/,
  );
  refused(["--config", file("name: [x\n")], {}, /etcd\.yaml, line \d+: this is not valid YAML/);
  refused(["--config", join(folder, "none.yaml")], {}, /there is no such file/);
});
