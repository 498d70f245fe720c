/**
 * examples/apisix, run as its pages say: the committed etcd-adapter.yaml starts adapters, the committed config.yaml
 * tells a client that behaves as APISIX where they are. What names a place elsewhere (addresses, certificates, the
 * database) is put in by the environment, as the pages tell.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import { type EtcdSection, Gateway } from "../apisix/gateway.js";
import { type Fields, send } from "../apisix/http.js";
import { temporaryFolder } from "../servers/folders.js";
import { freePort, isRequired, ServerProcess, startPostgres, startTidb } from "../servers/index.js";
import { Authority } from "../tls/authority.js";
import { administer } from "./administer.js";
import { EXAMPLE, PROGRAM, shellCommands } from "./files.js";

type Place = "central" | "sidecar";

const SHARED = { central: isRequired("postgres"), sidecar: isRequired("tidb") };
const APISIX_PASSWORD = "APISIX_PASSWORD";

interface ApisixConfig {
  readonly apisix?: { readonly ssl: { readonly ssl_trusted_certificate: string } };
  readonly deployment: { readonly etcd: EtcdSection };
}

/** config.yaml with `${{VARIABLE}}` filled in, as APISIX reads it. */
function apisixConfig(place: Place): ApisixConfig {
  const text = readFileSync(join(EXAMPLE, place, "config.yaml"), "utf8");
  return parse(text.replace(/\$\{\{APISIX_ETCD_PASSWORD\}\}/, APISIX_PASSWORD)) as ApisixConfig;
}

/** One adapter as the unit starts it, with the example's file. */
async function startAdapter(
  place: Place,
  scheme: "http" | "https",
  env: Readonly<Record<string, string>>,
  ca: string | undefined,
): Promise<ServerProcess & { readonly url: string }> {
  const url = `${scheme}://127.0.0.1:${await freePort()}`;
  const folder = temporaryFolder("example");
  const server = await ServerProcess.start({
    name: "etcd-adapter",
    program: process.execPath,
    args: [
      PROGRAM,
      "--config",
      join(EXAMPLE, place, "etcd-adapter.yaml"),
      "--data-dir",
      join(folder, "data"),
    ],
    env: { ...env, ETCD_LISTEN_CLIENT_URLS: url },
    folder,
    probe: async () => assert.equal((await send(url, "/readyz", undefined, {}, ca)).status, 200),
  });
  return Object.assign(server, { url });
}

for (const place of ["central", "sidecar"] as const) {
  const count = SHARED[place] ? 2 : 1;
  describe(`examples/apisix/${place}: ${count} on ${SHARED[place] ? "one database" : "SQLite"}`, () => {
    const { apisix, deployment } = apisixConfig(place);
    const { host, prefix, user } = deployment.etcd;
    const scheme = host[0]!.startsWith("https:") ? "https" : "http";
    const adapters: (ServerProcess & { readonly url: string })[] = [];
    let database: Awaited<ReturnType<typeof startPostgres | typeof startTidb>> | undefined;
    let ca: string | undefined;
    let gateways: Gateway[];

    before(async () => {
      if (SHARED[place]) database = await (place === "central" ? startPostgres() : startTidb());
      const storage = database ? await database.freshDatabase() : "sqlite:";
      const env: Record<string, string> = { ETCD_STORAGE: storage, STORAGE_PASSWORD: "unused" };
      if (scheme === "https") {
        const authority = new Authority("adapters");
        const { cert, key } = authority.issue("adapter");
        Object.assign(env, { ETCD_CERT_FILE: cert, ETCD_KEY_FILE: key });
        ca = readFileSync(authority.ca, "utf8");
      }
      for (let n = 0; n < count; n++) adapters.push(await startAdapter(place, scheme, env, ca));
    });
    after(async () => {
      await Promise.all(adapters.map((adapter) => adapter.stop()));
      await database?.stop();
    });

    test("APISIX is told of a CA exactly where it has to check one", () => {
      assert.equal(apisix !== undefined, scheme === "https");
      assert.ok(host.every((url) => url.startsWith(`${scheme}://`)));
    });

    if (user !== undefined) {
      test("the page's commands make the user, and shut everybody else out", async () => {
        const commands = shellCommands(`${place}/README.md`).filter(([program]) => program === "etcdctl");
        assert.ok(commands.length > 5);
        for (const [, ...command] of commands) await administer(adapters[0]!.url, command, ca);
        const body = JSON.stringify({ key: "L2FwaXNpeA==" });
        const stranger = await send(adapters[0]!.url, "/v3/kv/range", body, {}, ca);
        assert.equal(stranger.json.error, "etcdserver: user name is empty");
      });
    }

    test("APISIX starts, and what one gateway's side writes reaches the watch of the other", async () => {
      const urls = adapters.map(({ url }) => url);
      // a central list names all; a sidecar's gateway knows its own adapter alone
      const lists = host.length > 1 ? [urls, urls.toReversed()] : [[urls[0]!], [urls.at(-1)!]];
      gateways = lists.map((list) => new Gateway({ ...deployment.etcd, host: list }, ca));
      const [writer, reader] = gateways as [Gateway, Gateway];
      await writer.init();
      await reader.init();
      await writer.put("routes/1", '{"uri":"/a"}');
      const { revision, items } = await reader.load();
      assert.equal(items.get("routes/"), "init_dir");
      assert.equal(items.get("routes/1"), '{"uri":"/a"}');
      const watch = await reader.watch(revision + 1);
      assert.equal(((await watch.line(0)).result as Fields).created, true);
      await writer.put("routes/1", '{"uri":"/b"}');
      const { events } = (await watch.line(1)).result as { events: { kv: { key: string; value: string } }[] };
      assert.equal(Buffer.from(events[0]!.kv.key, "base64").toString(), `${prefix}/routes/1`);
      assert.equal(Buffer.from(events[0]!.kv.value, "base64").toString(), '{"uri":"/b"}');
      watch.close();
    });

    if (user !== undefined) {
      test("the user sees the prefix alone", async () => {
        const elsewhere = new Gateway({ ...deployment.etcd, host: [adapters[0]!.url], prefix: "/other" }, ca);
        await assert.rejects(elsewhere.init(), /etcdserver: permission denied/);
      });
    }

    test("a restarted adapter has it all, and the token still holds", async () => {
      for (const adapter of adapters) await adapter.restart();
      assert.equal((await gateways[1]!.load()).items.get("routes/1"), '{"uri":"/b"}');
    });

    test("the storage that the file spells out is one that its plugin takes", async () => {
      const file = join(temporaryFolder("example"), "etcd-adapter.yaml");
      const text = readFileSync(join(EXAMPLE, place, "etcd-adapter.yaml"), "utf8");
      const unreachable = text.replace(
        /\n {4}host: .*(\n {4}port: .*)?/,
        "\n    host: 127.0.0.1\n    port: 1",
      );
      writeFileSync(file, unreachable.replace(/^(cert|key)-file:.*$/gm, ""));
      const env = {
        STORAGE_PASSWORD: "any",
        ETCD_LISTEN_CLIENT_URLS: `http://127.0.0.1:${await freePort()}`,
      };
      const start = ServerProcess.start({
        name: "etcd-adapter",
        program: process.execPath,
        args: [PROGRAM, "--config", file, "--request-timeout=500ms"],
        env,
        folder: temporaryFolder("example"),
        probe: async () => assert.fail("not yet"),
      });
      await assert.rejects(start, /etcd-adapter: .* at 127\.0\.0\.1:1\b.*ECONNREFUSED/s);
    });
  });
}
