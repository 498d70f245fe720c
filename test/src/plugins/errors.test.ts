/** A third party's plugin that can't be used, or that breaks the contract, is named in one sentence. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { temporaryFolder } from "../servers/folders.js";
import { waitUntil } from "../servers/index.js";
import { type Fixture, type FixtureAdapter, installed, runIn, startOn } from "./fixture.js";

const LABEL = 'plugin "fixture" (fixture-plugin 3.2.1)';
const BROKEN = `${LABEL} breaks the contract of the storage seam:`;

async function refusedIn(folder: string, args: readonly string[], sentence: string): Promise<void> {
  const { code, err } = await runIn(folder, args);
  assert.equal(code, 2, err);
  assert.equal(err.trim().split("\n").length, 1, err);
  assert.ok(err.startsWith(`etcd-adapter: ${sentence}`), err);
}

function refused(fixture: Fixture, sentence: string): Promise<void> {
  return refusedIn(installed(fixture), ["--storage=fixture:"], sentence);
}

/** Starts with `storage.plugin` in a configuration file. */
async function refusedByName(folder: string, plugin: string, sentence: string): Promise<void> {
  writeFileSync(join(folder, "etcd.yaml"), `storage:\n  plugin: ${plugin}\n  options:\n    port: x\n`);
  await refusedIn(folder, ["--config=etcd.yaml"], sentence);
}

describe("a plugin that can't be loaded", { concurrency: 2 }, () => {
  test("is not there", async () => {
    const folder = temporaryFolder("plugin");
    await refusedIn(folder, ["--storage=nosuch:"], 'storage: no installed plugin serves "nosuch:" URLs');
    await refusedByName(folder, "nosuch", 'storage.plugin: there is no plugin "nosuch"');
    await refusedByName(
      folder,
      "./nosuch",
      `storage.plugin: there is no plugin in ${join(folder, "nosuch")};`,
    );
  });

  test("was written for another version of the seam", async () => {
    const both = "of the storage seam, this is version 2; install a release of it that fits.";
    await refused({ definition: "seam: 3, kind: 'other'" }, `${LABEL} was written for version 3 ${both}`);
    await refused(
      { definition: "seam: undefined" },
      `${LABEL} was written for version (none is stated) ${both}`,
    );
  });

  test("throws while it is loaded", async () => {
    await refused({ source: 'throw new Error("no licence");' }, `${LABEL} can't be loaded: no licence`);
    await refused({ source: "export default {" }, `${LABEL} can't be loaded: Unexpected end of input`);
    await refused(
      { source: 'import "nosuch-package";' },
      `${LABEL} can't be loaded: Cannot find package 'nosuch`,
    );
    await refused(
      { manifest: { exports: "./dist/index.js" } },
      `${LABEL} can't be loaded: Cannot find module '/`,
    );
  });

  test("exports something else, or half of a definition", async () => {
    const none = `${LABEL} has no plugin definition as its default export; see definePlugin.`;
    await refused({ source: "export const plugin = { seam: 2 };" }, none);
    await refused({ source: "export default null;" }, none);
    await refused(
      { definition: "kind: 'logs', create: undefined" },
      `${LABEL} has a definition without a usable kind, create; see definePlugin.`,
    );
  });

  test("describes itself wrongly in package.json", async () => {
    const folder = installed({ manifest: { "etcd-adapter": { plugin: "fixture", schemes: "fixture" } } });
    const path = join(folder, "node_modules", "fixture-plugin", "package.json");
    const sentence = `${path}: the field "etcd-adapter" must look like { "plugin": "redis", "schemes": ["redis"] }.`;
    await refusedIn(folder, ["--storage=fixture:"], sentence);
    await refusedIn(folder, ["plugins"], sentence);
    writeFileSync(path, '{ "etcd-adapter": ');
    await refusedIn(folder, ["plugins"], `${path} is not valid JSON.`);
  });

  test("is one of two that claim the same", async () => {
    const folder = installed({}, "other-plugin", installed({}));
    const both = "claimed by fixture-plugin and other-plugin; remove all but one";
    await refusedIn(folder, ["--storage=fixture:"], `storage: "fixture:" URLs are ${both}`);
    await refusedByName(folder, "fixture", `storage.plugin: the name "fixture" is ${both}`);
  });

  test("is given options that it refuses", async () => {
    const options = `options: { safeParse: () =>
      ({ success: false, error: { issues: [{ path: ["port"], message: "a number is needed" }] } }) }`;
    const sentence = 'storage.options.port (plugin "fixture"): a number is needed.';
    await refused({ definition: options }, sentence);
    await refusedByName(installed({ definition: options }), "fixture-plugin", sentence);
    const fromUrl = 'fromUrl(url) { throw new Error(url + " names no host"); }';
    await refused({ definition: fromUrl }, "storage: fixture: names no host");
  });
});

describe("a plugin that breaks the contract at the start", { concurrency: 2 }, () => {
  test("creates something that is no storage", async () => {
    await refused(
      { definition: "create: () => undefined" },
      `${BROKEN} create() returned undefined without shared, open(), close(), last(), append(), read()`,
    );
    await refused(
      { definition: "create: () => ({ ...storage, append: undefined, subscribe: true })" },
      `${BROKEN} create() returned an object without append(), subscribe().`,
    );
    await refused(
      { definition: "create: async () => storage" },
      `${BROKEN} create() returned a promise without`,
    );
    await refused(
      { definition: 'kind: "query"' },
      `${BROKEN} create() returned an object without head(), commit()`,
    );
    await refused(
      { definition: 'create() { throw new TypeError("no such driver"); }' },
      `${BROKEN} create() threw "TypeError: no such driver".`,
    );
  });

  test("fails with an error of its own kind", async () => {
    await refused(
      { storage: 'async open() { throw new Error("connect\\nto what?"); }' },
      `${BROKEN} open() rejected with "Error: connect" instead of a StorageError.`,
    );
    await refused(
      { storage: "async last() { return 0; }" },
      `${BROKEN} last() answered a number where the sequence`,
    );
  });

  test("ends with its own sentence when it fails as it should", async () => {
    const error =
      'Object.assign(new Error("write another prefix"), { name: "StorageError", code: "misconfigured" })';
    await refused({ storage: `async open() { throw ${error}; }` }, "write another prefix");
  });
});

describe("a plugin that breaks the contract at run time", { concurrency: 2 }, () => {
  test("fails with an error of its own kind", async () => {
    const adapter = await startOn({
      storage: `async append(sequence, encode) {
        if (sequence > 3n) throw new TypeError("buffer of undefined");
        segments.push({ sequence, bytes: encode() });
      }`,
    });
    for (let n = 0; n < 3; n++) await adapter.put();
    const answer = await adapter.put();
    assert.equal(answer.status, 500);
    assert.match(await answer.text(), /internal error, see the server's log/);
    await logged(
      adapter,
      /append\(\) rejected with "TypeError: buffer of undefined" instead of a StorageError/,
    );
    await adapter[Symbol.asyncDispose]();
  });

  test("takes the head back", async () => {
    const adapter = await startOn({
      storage: `shared: true,
        async last() { return segments.length > 4 ? 2n : BigInt(segments.length); }`,
    });
    for (let n = 0; n < 5; n++) await adapter.put();
    await logged(adapter, /last\(\) went back from sequence \d+ to 2: the backend has lost commits/);
    await adapter[Symbol.asyncDispose]();
  });

  test("hands out segments that are not next", async () => {
    const adapter = await startOn({
      storage: `shared: true,
        async last() { return segments.length > 4 ? 9n : BigInt(segments.length); },
        async read(after) { return after < 5n ? segments.slice(Number(after)) : [{ sequence: 9n, bytes: Buffer.of(1) }]; }`,
    });
    for (let n = 0; n < 5; n++) await adapter.put();
    await logged(adapter, /read\(\) answered no gapless list of segments above \d+/);
    await adapter[Symbol.asyncDispose]();
  });
});

test("a plugin in a folder of its own brings its own copy of the core, whose errors are understood", async () => {
  const adapter = await startOn({
    storage: `async append(sequence, encode) {
      if (!this.refused && sequence > 3n) {
        this.refused = true;
        throw Object.assign(new Error("elsewhere"), { name: "StorageError", code: "unavailable" });
      }
      segments.push({ sequence, bytes: encode() });
    }`,
  });
  for (let n = 0; n < 5; n++) assert.equal((await adapter.put()).status, 200);
  assert.match(readFileSync(adapter.logFile, "utf8"), /storage is unavailable, trying again/);
  await adapter[Symbol.asyncDispose]();
});

/** Waits for an error in the log that names the plugin; numbers in it depend on what the core itself commits. */
async function logged(adapter: FixtureAdapter, what: RegExp): Promise<void> {
  const isThere = (line: string): boolean => {
    const { level, err } = JSON.parse(line) as { level: number; err?: { message: string } };
    return level === 50 && err !== undefined && err.message.startsWith(BROKEN) && what.test(err.message);
  };
  await waitUntil(
    () =>
      assert.ok(
        readFileSync(adapter.logFile, "utf8").trim().split("\n").some(isThere),
        `not logged: ${what}`,
      ),
    { timeoutMs: 10_000 },
  );
}
