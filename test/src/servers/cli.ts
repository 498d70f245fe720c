import { once } from "node:events";
import { parseArgs } from "node:util";
import { serverNames } from "./available.js";
import { buildNames, built } from "./build.js";
import { startConsulCluster } from "./consul.js";
import { startByName } from "./index.js";
import { messageOf } from "./wait.js";
import { startZooKeeperEnsemble } from "./zookeeper.js";

const usage = `The real servers of the tests, for people.

  node test/dist/servers/cli.js build [${buildNames.join(" | ")}]   builds those, or all, into the cache
  node test/dist/servers/cli.js start ${serverNames.join(" | ")}
  node test/dist/servers/cli.js start consul | zookeeper --nodes 3`;

async function build(names: readonly string[]): Promise<void> {
  for (const name of names.length > 0 ? names : buildNames) {
    if (!isOneOf(buildNames, name)) throw new Error(`nothing to build is called ${name}\n\n${usage}`);
    for (const path of Object.values(await built(name))) console.log(path);
  }
}

interface Started {
  readonly urls: readonly string[];
  stop(): Promise<void>;
}

async function start(name: string, nodes: number): Promise<Started> {
  if (!isOneOf(serverNames, name)) throw new Error(`no server is called ${name}\n\n${usage}`);
  if (nodes === 1) {
    const server = await startByName[name]();
    return { urls: [server.url], stop: () => server.stop() };
  }
  const startCluster = { consul: startConsulCluster, zookeeper: startZooKeeperEnsemble }[name as string];
  if (startCluster === undefined) throw new Error(`${name} is started with one node only`);
  const cluster = await startCluster(nodes);
  return { urls: cluster.nodes.map((node) => node.url), stop: () => cluster.stop() };
}

async function serve(name: string, nodes: number): Promise<void> {
  const { urls, stop } = await start(name, nodes);
  for (const url of urls) console.log(url);
  console.error("Ctrl-C stops it and removes its data");
  const keepAlive = setInterval(() => {}, 60_000);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  clearInterval(keepAlive);
  await stop();
}

function isOneOf<T extends string>(names: readonly T[], name: string): name is T {
  return names.some((known) => known === name);
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { nodes: { type: "string", default: "1" }, help: { type: "boolean", short: "h" } },
});
const [command, ...names] = positionals;
try {
  if (command === "build") await build(names);
  else if (command === "start" && names[0] !== undefined) await serve(names[0], Number(values.nodes));
  else console.log(usage);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
