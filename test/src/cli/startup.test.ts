/** Everything that keeps the adapter from starting is one sentence that says what to do, and exit code 2. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startAdapterProcess } from "../adapter/start.js";
import { temporaryFolder } from "../servers/folders.js";
import { freePort } from "../servers/index.js";

const MAIN = fileURLToPath(new URL("../../../core/dist/cli/main.js", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(...args: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: "utf8",
    timeout: 30_000,
  });
  return { code: status, out: stdout, err: stderr };
}

async function refused(args: string[], message: RegExp): Promise<void> {
  const port = await freePort();
  const folder = temporaryFolder("startup");
  const ended = run(
    `--data-dir=${join(folder, "data")}`,
    `--listen-client-urls=http://127.0.0.1:${port}`,
    ...args,
  );
  assert.equal(ended.code, 2, ended.err);
  assert.match(ended.err, message);
  assert.equal(ended.err.trim().split("\n").length, 1, ended.err);
}

describe("starting with what can't work", () => {
  test("an option that does not exist, with the near one", () =>
    refused(
      ["--listen-client-url=x"],
      /^etcd-adapter: --listen-client-url is not an option; did you mean listen-client-urls\?/,
    ));

  test("an option of etcd that is not here, with what to do", () =>
    refused(
      ["--auto-tls"],
      /^etcd-adapter: --auto-tls of etcd is not supported: name a certificate by --cert-file/,
    ));

  test("a storage that does not answer", async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    for (const scheme of ["postgres", "mysql", "consul", "zookeeper"]) {
      await refused(
        [`--storage=${scheme}://${nobody}/etcd`],
        new RegExp(
          `^etcd-adapter: the storage does not answer: start it, or correct its address \\(.*${nobody}`,
        ),
      );
    }
  });

  test("a value that does not fit", () =>
    refused(["--max-txn-ops=many"], /--max-txn-ops: a whole number is needed/));

  test("a broken config file, with its line", async () => {
    const file = join(temporaryFolder("startup"), "etcd.yaml");
    writeFileSync(file, "name: a\nstorage: [\n");
    await refused([`--config=${file}`], /etcd\.yaml, line \d+: this is not valid YAML/);
  });

  test("a storage URL without a scheme, with an unknown one, with a bad option", async () => {
    await refused(
      ["--storage=data.db"],
      /"data\.db" is not a URL; write a scheme first, such as sqlite:data\.db/,
    );
    await refused(
      ["--storage=sqlit:data.db"],
      /no installed plugin serves "sqlit:" URLs \(did you mean "sqlite"\?\)/,
    );
    const file = join(temporaryFolder("startup"), "etcd.yaml");
    writeFileSync(file, "storage:\n  plugin: sqlite\n  options:\n    pathh: x\n");
    await refused([`--config=${file}`], /plugin "sqlite".*pathh/);
  });

  test("a port that is taken", async () => {
    const other = net.createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as net.AddressInfo;
    const taken = `http://127.0.0.1:${port}`;
    for (const flag of ["--listen-client-urls", "--listen-metrics-urls"]) {
      await refused(
        [`${flag}=${taken}`],
        new RegExp(
          `^etcd-adapter: Cannot listen on ${taken}: the address is in use\\..* another ${flag}\\.`,
          "m",
        ),
      );
    }
    other.close();
  });

  test("one address for clients and for metrics", () =>
    refused(
      ["--listen-client-urls=http://127.0.0.1:1", "--listen-metrics-urls=http://127.0.0.1:1"],
      /--listen-metrics-urls: http:\/\/127\.0\.0\.1:1 is for clients/,
    ));

  test("a folder that can't be written, a file that is no database", async () => {
    const folder = temporaryFolder("startup");
    writeFileSync(join(folder, "file"), "not a folder");
    await refused([`--storage=sqlite:${join(folder, "file", "data.db")}`], /file/);
    const database = join(folder, "broken.db");
    writeFileSync(database, Buffer.alloc(20_000, "this is no database"));
    await refused([`--storage=sqlite:${database}`], /broken\.db/);
  });

  test("a database that another adapter uses", async () => {
    const folder = temporaryFolder("startup");
    mkdirSync(folder, { recursive: true });
    const database = join(folder, "shared.db");
    const first = await startAdapterProcess(`sqlite:${database}`);
    await refused([`--storage=sqlite:${database}`], /shared\.db/);
    await first.stop();
  });

  test("https without a certificate, a certificate that is not there", async () => {
    await refused(["--listen-client-urls=https://127.0.0.1:1"], /--cert-file and --key-file are needed/);
    await refused(["--listen-metrics-urls=https://127.0.0.1:1"], /--listen-metrics-urls: --cert-file and/);
    await refused(
      ["--cert-file=/nowhere.crt", "--key-file=/nowhere.key"],
      /--cert-file \/nowhere\.crt can't be read: there is no such file/,
    );
  });
});

describe("what only prints", () => {
  test("help, version and plugins", () => {
    assert.match(run("--help").out, /--listen-client-urls\n .*\(default http:\/\/127\.0\.0\.1:2379\)/);
    assert.match(run("version").out, /etcd-adapter Version: \d/);
    assert.match(run("plugins").out, /^sqlite +sqlite: +@etcd-adapter\/plugin-sqlite/m);
  });
});

test("SIGTERM ends it cleanly with code 0, with a watch open", async () => {
  const adapter = await startAdapterProcess("memory:");
  const answer = await fetch(`${adapter.url}/v3/watch`, {
    method: "POST",
    body: '{"create_request":{"key":"YQ=="}}',
  });
  const reader = answer.body!.getReader();
  await reader.read();
  const started = performance.now();
  await adapter.stop();
  assert.ok(performance.now() - started < 5_000);
});
