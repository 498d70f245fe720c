/** What can't be moved is one sentence on stderr, exit code 2, and nothing was changed. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";
import { temporaryFolder } from "../servers/folders.js";
import { freePort } from "../servers/index.js";
import { command, commandOutput } from "./command.js";

describe("moving what can't be moved", () => {
  const folder = temporaryFolder("moving-errors");
  const target = `sqlite:${join(folder, "target.db")}`;
  const file = join(folder, "saved");
  let source: AdapterProcess;

  before(async () => {
    source = await startAdapterProcess("memory:");
    const client = new GrpcClient(source.address);
    await client.unary(KV.method.put, { key: Buffer.from("a"), value: Buffer.alloc(5_000, "b") });
    client.close();
    await commandOutput(["snapshot", "save", file, `--endpoints=${source.url}`]);
  });
  after(() => source.stop());

  async function refused(args: readonly string[], message: RegExp): Promise<void> {
    const { code, out, err } = await command(args);
    assert.deepEqual([code, out], [2, ""], err);
    assert.match(err, message);
    assert.match(err, /^etcd-adapter: [^\n]*[^\n ]\n$/);
  }

  const copy = (from: string, to = target, ...more: string[]) => [
    "copy",
    "--from",
    from,
    "--to",
    to,
    `--work-dir=${join(folder, "work")}`,
    ...more,
  ];

  test("a place that is none, or is missing", async () => {
    await refused(
      copy("etcd.db"),
      /--from: "etcd\.db" has no scheme; write http:\/\/HOST:PORT .*, file:PATH/,
    );
    await refused(copy("http://127.0.0.1:2379/keys"), /must be a scheme, a host and a port/);
    await refused(copy("postgress://127.0.0.1/x"), /no installed plugin serves "postgress:" URLs/);
    await refused(["copy", "--to", target], /--from is missing/);
    await refused(["copy", "--form", target], /--form is not an option here; did you mean --from\?/);
    await refused(copy(source.url, source.url), /the source and the target are the same/);
    await refused(copy(source.url, target, "--to-user=a:b"), /--to: user is of use with http/);
    await refused(copy(source.url, target, "--from-user=a"), /--from-user=a has no password/);
  });

  test("an endpoint where nobody is, or nobody who speaks gRPC", async () => {
    const port = await freePort();
    await refused(copy(`http://127.0.0.1:${port}`), /can't be reached: connect ECONNREFUSED/);
    const http = createServer((_, response) => response.end("hello"));
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const { port: taken } = http.address() as AddressInfo;
    await refused(copy(`http://127.0.0.1:${taken}`), /can't be reached/);
    http.closeAllConnections();
    http.close();
    await refused(copy(source.url, `http://127.0.0.1:${port}`), /can't be reached/);
    await refused(
      copy(source.url, target, `--from-cacert=${join(folder, "none")}`).map((arg) =>
        arg === source.url ? source.url.replace("http:", "https:") : arg,
      ),
      /the certificates can't be used: ENOENT/,
    );
  });

  test("a file that is missing, no snapshot, cut off, or damaged: before anything is written", async () => {
    const bytes = readFileSync(file);
    const bad = (name: string, content: Buffer): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const damaged = Buffer.from(bytes);
    damaged[2_000]! ^= 1;
    const restore = (path: string) => ["snapshot", "restore", path, "--storage", target];
    await refused(restore(join(folder, "none")), /there is no such file/);
    await refused(restore(folder), /it is no file/);
    await refused(
      restore(bad("text", Buffer.from("hello"))),
      /is no snapshot: neither one of etcd-adapter nor/,
    );
    await refused(restore(bad("short", bytes.subarray(0, 3_000))), /ends too early/);
    await refused(restore(bad("blocks", bytes.subarray(0, 2_048 + 32))), /does not match its SHA-256/);
    await refused(restore(bad("damaged", damaged)), /does not match its SHA-256/);
    await refused(["snapshot", "status", join(folder, "damaged")], /does not match its SHA-256/);
    await refused(["snapshot", "restore"], /needs one file/);
    await refused(["snapshot", "import", file], /"snapshot import" is not a command/);
    assert.equal(existsSync(join(folder, "target.db")), false);
  });

  test("a bbolt database whose pages are gone", async () => {
    const head = Buffer.alloc(8_192);
    head.writeUInt32LE(0xed0cdaed, 16);
    const path = join(folder, "bolt");
    writeFileSync(path, head);
    await refused(copy(`file:${path}`), /its pages contradict each other/);
  });

  test("a source that was never used, and a file that can't be written or is there already", async () => {
    await refused(copy(`sqlite:${join(folder, "fresh.db")}`), /nothing was ever written there/);
    const nowhere = join(folder, "no", "such", "folder");
    await refused(["snapshot", "save", nowhere, `--endpoints=${source.url}`], /can't be written: ENOENT/);
    const taken = join(folder, "taken");
    writeFileSync(taken, "something else");
    const { code, err } = await command(copy(source.url, `file:${taken}`));
    assert.equal(code, 2);
    assert.match(err, /holds something else; --overwrite replaces it\.\n$/);
    assert.equal(readFileSync(taken, "utf8"), "something else");
    await commandOutput(copy(source.url, `file:${taken}`, "--overwrite"));
    assert.match(await commandOutput(["snapshot", "status", taken]), /^[0-9a-f]+, 2, 1, /);
  });
});
