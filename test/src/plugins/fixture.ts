import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../servers/folders.js";
import { freePort, ServerProcess } from "../servers/index.js";

const MAIN = fileURLToPath(new URL("../../../core/dist/cli/main.js", import.meta.url));

/** A third party's plugin that works, with what a test spoils. */
export interface Fixture {
  /** Instead of all of the module. */
  readonly source?: string;
  /** Properties that replace those of the definition, as JavaScript. */
  readonly definition?: string;
  /** Methods that replace those of the storage, as JavaScript; `segments` is its log, an array. */
  readonly storage?: string;
  readonly manifest?: Readonly<Record<string, unknown>>;
}

const LABEL_VERSION = "3.2.1";

function moduleOf({ source, definition = "", storage = "" }: Fixture): string {
  if (source !== undefined) return source;
  return `
const segments = [];
const storage = {
  shared: false,
  async open() {},
  async close() {},
  async last() { return BigInt(segments.length); },
  async append(sequence, encode) { segments.push({ sequence, bytes: encode() }); },
  async read(after) { return segments.slice(Number(after)); },
  async loadSnapshot() {},
  async saveSnapshot() {},
  async trim() {},
  async size() { return { total: 0n, inUse: 0n }; },
  ${storage}
};
export default {
  seam: 2,
  kind: "log",
  name: "fixture",
  description: "For a test",
  schemes: ["fixture"],
  options: { safeParse: (data) => ({ success: true, data }) },
  fromUrl: () => ({}),
  create: () => storage,
  ${definition}
};
`;
}

/** Writes the plugin as `npm install` would have, beside others that are there; gives the folder to start in. */
export function installed(
  fixture: Fixture,
  name = "fixture-plugin",
  folder = temporaryFolder("plugin"),
): string {
  const own = join(folder, "node_modules", name);
  mkdirSync(own, { recursive: true });
  const manifest = {
    name,
    version: LABEL_VERSION,
    type: "module",
    exports: "./index.js",
    "etcd-adapter": { plugin: "fixture", schemes: ["fixture"] },
    ...fixture.manifest,
  };
  writeFileSync(join(own, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(own, "index.js"), moduleOf(fixture));
  return folder;
}

export interface Ended {
  readonly code: number | null;
  readonly err: string;
}

/** Runs the adapter in `folder` to its end. */
export async function runIn(folder: string, args: readonly string[]): Promise<Ended> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const serve = args[0] === "plugins" ? [] : [`--listen-client-urls=${url}`];
  const child = spawn(process.execPath, [MAIN, ...args, ...serve], {
    cwd: folder,
    timeout: 30_000,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, err }));
  });
}

export type FixtureAdapter = ServerProcess & { put(): Promise<Response> };

/** The adapter on the fixture; `put` writes a key through the JSON gateway. */
export async function startOn(fixture: Fixture): Promise<FixtureAdapter> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const server = await ServerProcess.start({
    name: "etcd-adapter",
    program: process.execPath,
    args: [MAIN, "--storage=fixture:", `--listen-client-urls=${url}`],
    folder: installed(fixture),
    probe: async () => {
      const answer = await fetch(`${url}/version`, { signal: AbortSignal.timeout(2_000) });
      if (!answer.ok) throw new Error(await answer.text());
    },
  });
  const put = () => fetch(`${url}/v3/kv/put`, { method: "POST", body: '{"key":"YQ==","value":"MQ=="}' });
  return Object.assign(server, { put });
}
