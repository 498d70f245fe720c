/**
 * Follows docs/writing-a-plugin.md as a third party would: in a folder outside of the checkout, from the files
 * that the page shows and by the commands that it gives. Only the packages that are not published yet come packed.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { temporaryFolder } from "../servers/folders.js";
import { freePort, isRequired, ServerProcess, startRedis, waitUntil } from "../servers/index.js";
import { blocks, commands, files } from "./guide.js";
import { pack, withPacked } from "./packed.js";

const KIT = "@etcd-adapter/plugin-kit";
const STEP_TIMEOUT_MS = 240_000;
/** Of the kit's random sequences; its other tests are all run. */
const KIT_RUNS = "5";
/** What was installed once is not asked for again. */
const NPM = { npm_config_prefer_offline: "true", npm_config_audit: "false", npm_config_fund: "false" };

const execute = promisify(execFile);

if (isRequired("redis")) {
  describe("a third party's plugin on Redis, as the guide says", { timeout: 600_000 }, () => {
    const home = temporaryFolder("third-party");
    const plugin = join(home, "redis-plugin");
    const gateway = join(home, "gateway");
    const [create, install, kit, use, start] = commands() as [string, string, string, string, string];
    let redis: Awaited<ReturnType<typeof startRedis>>;
    let packed: Map<string, string>;

    /** Runs a block of the guide; what stands between its words and this machine is put in. */
    async function follow(block: string, folder: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
      const adapter = [...packed].flatMap(([name, path]) => (name === KIT ? [] : [path]));
      const here = block
        .replaceAll("127.0.0.1:6379", `127.0.0.1:${redis.port}`)
        .replace(" @etcd-adapter/core ", ` ${adapter.join(" ")} `);
      const { stdout } = await execute("bash", ["-euc", here], {
        cwd: folder,
        timeout: STEP_TIMEOUT_MS,
        maxBuffer: 64 * 1024 * 1024,
        env: { ...process.env, ...NPM, ...env, NODE_TEST_CONTEXT: undefined, FORCE_COLOR: "0" },
      });
      return stdout;
    }

    async function startAdapter(block: string): Promise<ServerProcess & { readonly url: string }> {
      const url = `http://127.0.0.1:${await freePort()}`;
      const [, ...args] = block.replaceAll("127.0.0.1:6379", `127.0.0.1:${redis.port}`).split(" ");
      const server = await ServerProcess.start({
        name: "etcd-adapter",
        program: join(gateway, "node_modules", ".bin", args[0]!),
        args: [...args.slice(1), `--listen-client-urls=${url}`],
        folder: gateway,
        probe: async () => {
          const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) });
          if (!answer.ok) throw new Error(await answer.text());
        },
      });
      return Object.assign(server, { url });
    }

    before(async () => {
      // fast for the kit, which asks whether data is right, not whether it survives a power failure
      redis = await startRedis({ settings: { appendfsync: "no" } });
      packed = await pack(["@etcd-adapter/core", KIT], home);
    });
    after(() => redis?.[Symbol.asyncDispose]());

    test("an empty folder becomes a plugin with all that it needs", async () => {
      await follow(create, home);
      for (const [path, text] of files()) {
        if (path === "etcd.yaml") continue;
        mkdirSync(dirname(join(plugin, path)), { recursive: true });
        writeFileSync(join(plugin, path), path === "package.json" ? withPacked(text, packed) : text);
      }
      await follow(install, plugin);
    });

    test("it compiles, and the kit is green", async () => {
      const report = await follow(kit, plugin, { KIT_RUNS });
      assert.match(report, /(# |ℹ )fail 0\n/, report.slice(-2_000));
      assert.ok(Number(/(?:# |ℹ )pass (\d+)/.exec(report)?.[1]) > 70, report.slice(-2_000));
      assert.equal(await redis.command("DBSIZE"), ":0");
    });

    test("an adapter lists it, after it was installed beside", async () => {
      const listed = await follow(use, plugin);
      const shown = blocks().find(({ language }) => language === "text")?.text;
      assert.ok(shown !== undefined && listed.includes(`${shown}\n`), listed);
    });

    test("an adapter serves from it, while Redis is killed and comes back", async () => {
      await redis.command("CONFIG", "SET", "appendfsync", "always");
      const adapter = await startAdapter(start);
      const watcher = await watch(adapter.url);
      await put(adapter.url, "1");
      await watcher.expect("1");
      await redis.kill9();
      const during = put(adapter.url, "2");
      await pause(300);
      await redis.restart();
      await during;
      await put(adapter.url, "3");
      await watcher.expect("3");
      assert.deepEqual(watcher.values, ["1", "2", "3"]);
      assert.deepEqual(await get(adapter.url), { value: "3", version: "3" });
      await watcher.end();
      await adapter.stop();
    });

    test("from its own folder, with a core of its own, it shares the data with others", async () => {
      const yaml = files().get("etcd.yaml")!.replace(": redis-log", ": ../redis-plugin");
      const here = yaml.replaceAll("127.0.0.1:6379", `127.0.0.1:${redis.port}`);
      writeFileSync(join(gateway, "etcd.yaml"), here);
      const [first, second] = await Promise.all([
        startAdapter("npx etcd-adapter --config etcd.yaml"),
        startAdapter(start),
      ]);
      assert.deepEqual(await get(first.url), { value: "3", version: "3" });
      const watcher = await watch(first.url);
      // each loses against the other many times, and has to see a conflict in what the plugin's own core rejects with
      const writers = [first, second].map(async ({ url }) => {
        for (let n = 0; n < 20; n++) await put(url, `${n}`);
      });
      await Promise.all(writers);
      assert.equal((await get(first.url)).version, "43");
      await waitUntil(() => assert.equal(watcher.values.length, 40), { timeoutMs: 10_000 });
      await watcher.end();
      await Promise.all([first.stop(), second.stop()]);
    });
  });
}

const KEY = Buffer.from("greeting").toString("base64");

async function call(url: string, method: string, request: object): Promise<Response> {
  const answer = await fetch(`${url}/v3/${method}`, { method: "POST", body: JSON.stringify(request) });
  if (!answer.ok) throw new Error(`${method}: ${await answer.text()}`);
  return answer;
}

async function put(url: string, value: string): Promise<void> {
  await call(url, "kv/put", { key: KEY, value: Buffer.from(value).toString("base64") });
}

interface KeyValue {
  readonly value: string;
  readonly version: string;
}

async function get(url: string): Promise<KeyValue> {
  const { kvs } = (await (await call(url, "kv/range", { key: KEY })).json()) as { kvs: KeyValue[] };
  return { value: decode(kvs[0]!), version: kvs[0]!.version };
}

function decode(kv: KeyValue): string {
  return Buffer.from(kv.value, "base64").toString();
}

/** A watcher of the key, over JSON: one message a line. */
async function watch(url: string) {
  const answer = await call(url, "watch", { create_request: { key: KEY } });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  const values: string[] = [];
  let text = (await reader.read()).value ?? "";
  assert.match(text, /"created":true/);
  text = "";
  const reading = (async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += part.value;
      const lines = text.split("\n");
      text = lines.pop()!;
      for (const line of lines) {
        const { result } = JSON.parse(line) as { result: { events?: { kv: KeyValue }[] } };
        values.push(...(result.events ?? []).map(({ kv }) => decode(kv)));
      }
    }
  })();
  return {
    values,
    expect: (value: string) =>
      waitUntil(() => assert.equal(values.at(-1), value), { timeoutMs: 10_000, intervalMs: 20 }),
    end: async () => {
      await reader.cancel();
      await reading;
    },
  };
}
