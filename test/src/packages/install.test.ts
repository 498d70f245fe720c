/**
 * The packages as a user gets them: packed, installed into an empty folder outside of the checkout by npm, started by
 * npx. Where better-sqlite3's native code has to be compiled, the file that was compiled in the checkout is taken, for the
 * same version: to compile it again takes minutes.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import { promisify } from "node:util";
import { pack } from "../plugins/packed.js";
import { temporaryFolder } from "../servers/folders.js";
import { freePort, ServerProcess } from "../servers/index.js";
import { publishedPackages, ROOT } from "./packages.js";

const LIBRARY = join("node_modules", "better-sqlite3-12");
const NATIVE = join(LIBRARY, "build/Release/better_sqlite3.node");
const NPM = { npm_config_prefer_offline: "true", npm_config_audit: "false", npm_config_fund: "false" };
const execute = promisify(execFile);
const PACKAGES = publishedPackages();

describe("what is packed", { timeout: 300_000 }, () => {
  const folder = temporaryFolder("packed");
  const contents = new Map<string, string[]>();

  before(async () => {
    for (const [name, path] of await pack(
      PACKAGES.map(({ manifest }) => manifest.name),
      folder,
    )) {
      const { stdout } = await execute("tar", ["-tzf", path]);
      contents.set(
        name,
        stdout
          .trim()
          .split("\n")
          .map((line) => line.replace(/^package\//, "")),
      );
    }
  });

  for (const { folder: source, manifest } of PACKAGES) {
    test(manifest.name, () => {
      const files = contents.get(manifest.name)!;
      for (const needed of ["package.json", "README.md", "LICENSE"])
        assert.ok(files.includes(needed), needed);
      const licence = (path: string) => readFileSync(join(ROOT, path, "LICENSE"), "utf8");
      assert.equal(licence(source), licence(""));
      const named = [...Object.values(manifest.exports ?? {}), ...Object.values(manifest.bin ?? {})];
      for (const file of named.filter((path) => !path.includes("*")).map((path) => path.slice(2))) {
        assert.ok(files.includes(file), file);
        // TypeScript finds a module's types beside it
        if (file.endsWith(".js"))
          assert.ok(files.includes(file.replace(/\.js$/, ".d.ts")), `types of ${file}`);
      }
      const unwanted = files.filter((file) => /\.test\.|testing|\.map$|tsbuildinfo|^src\//.test(file));
      assert.deepEqual(unwanted, []);
    });

    test(`${manifest.name} depends on exact versions of the others`, () => {
      assert.equal(manifest.license, "Apache-2.0");
      assert.equal(manifest.engines?.node, ">=20.19");
      for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
        const ours = PACKAGES.find((other) => other.manifest.name === name);
        if (ours) assert.equal(version, ours.manifest.version, name);
      }
    });
  }
});

describe("installed into an empty folder", { timeout: 600_000 }, () => {
  const folder = temporaryFolder("installed");
  const environment = { ...process.env, ...NPM, NODE_TEST_CONTEXT: undefined };
  const run = async (program: string, ...args: string[]): Promise<string> =>
    (await execute(program, args, { cwd: folder, env: environment })).stdout;

  before(async () => {
    const packed = await pack(["etcd-adapter"], folder);
    // npm takes the packages that no registry has yet from these files
    const dependencies = Object.fromEntries([...packed].map(([name, path]) => [name, `file:${path}`]));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
    await run("npm", "install", "--ignore-scripts");
    // npm gives newer Nodes a better-sqlite3 that brings its native code along
    if (existsSync(join(folder, "node_modules/better-sqlite3"))) return;
    const version = (root: string) => readFileSync(join(root, LIBRARY, "package.json"), "utf8");
    assert.equal(version(folder), version(ROOT));
    mkdirSync(dirname(join(folder, NATIVE)), { recursive: true });
    copyFileSync(join(ROOT, NATIVE), join(folder, NATIVE));
  });

  test("the program lists all the storages", async () => {
    const listed = await run("npx", "etcd-adapter", "plugins");
    assert.deepEqual(
      listed
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0]),
      ["consul", "memory", "mysql", "postgres", "sqlite", "zookeeper"],
    );
  });

  test("whatever the packages export can be imported", async () => {
    const exported = PACKAGES.filter(({ manifest }) =>
      existsSync(join(folder, "node_modules", manifest.name)),
    ).flatMap(({ manifest }) =>
      Object.entries(manifest.exports ?? {})
        .filter(([path, file]) => !path.includes("*") && path !== "./cli" && file.endsWith(".js"))
        .map(([path]) => manifest.name + path.slice(1)),
    );
    assert.ok(exported.includes("@etcd-adapter/core/storage/log"));
    await run(
      process.execPath,
      ...["--input-type=module", "-e", exported.map((name) => `await import("${name}");`).join("\n")],
    );
  });

  for (const storage of ["memory:", "sqlite:data/etcd.db"]) {
    test(`etcd-adapter --storage ${storage}`, async () => {
      const url = `http://127.0.0.1:${await freePort()}`;
      const server = await ServerProcess.start({
        name: "etcd-adapter",
        // what npx runs; npx itself does not hand on SIGTERM
        program: join(folder, "node_modules/.bin/etcd-adapter"),
        args: ["--storage", storage, `--listen-client-urls=${url}`],
        folder,
        probe: async () => assert.equal((await fetch(`${url}/health`)).status, 200),
      });
      const call = async (path: string, body: object): Promise<unknown> =>
        (await fetch(`${url}/v3/${path}`, { method: "POST", body: JSON.stringify(body) })).json();
      await call("kv/put", { key: "YQ==", value: "Yg==" });
      const { kvs } = (await call("kv/range", { key: "YQ==" })) as { kvs: { value: string }[] };
      assert.equal(kvs[0]!.value, "Yg==");
      await server.stop();
    });
  }

  test("the embedding example of the core's README runs, and its types are there", async () => {
    const readme = readFileSync(join(folder, "node_modules/@etcd-adapter/core/README.md"), "utf8");
    const example = /```js embed\.mjs\n([\s\S]*?)```/.exec(readme)![1]!;
    writeFileSync(join(folder, "embed.mjs"), example);
    assert.equal(await run(process.execPath, "embed.mjs"), "hello\n");
    writeFileSync(join(folder, "embed.mts"), example);
    await run(
      process.execPath,
      join(ROOT, "node_modules/typescript/bin/tsc"),
      ...["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--ignoreConfig"],
      ...["--types", "node", "--typeRoots", join(ROOT, "node_modules/@types"), "embed.mts"],
    );
  });
});
