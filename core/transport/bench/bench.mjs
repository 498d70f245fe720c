/**
 * This transport against grpc-js on the same fixed answer, in turns: node bench/bench.mjs [REQUESTS] [ROUNDS].
 * Needs h2load (Debian nghttp2-client).
 */
import { execFile } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startServer } from "./child.mjs";

const [requests = "60000", rounds = "3"] = process.argv.slice(2);
const run = promisify(execFile);
const body = join(mkdtempSync(join(tmpdir(), "transport-bench-")), "body");
writeFileSync(body, Buffer.concat([Buffer.from([0, 0, 0, 0, 124]), Buffer.alloc(124, 1)]));

const SHAPES = [
  ["8", "8"],
  ["64", "1"],
];

async function load(server, [connections, streams]) {
  const before = await server.usage();
  const { stdout } = await run("h2load", [
    ...["-c", connections, "-m", streams, "-n", requests, "-d", body],
    ...["-H", "content-type: application/grpc", "-H", "te: trailers"],
    `http://127.0.0.1:${server.port}/bench.Echo/Fixed`,
  ]);
  const after = await server.usage();
  const succeeded = Number(/(\d+) succeeded/.exec(stdout)?.[1]);
  if (succeeded !== Number(requests)) throw new Error(stdout);
  const perSecond = Number(/([\d.]+) req\/s/.exec(stdout)?.[1]);
  return { perSecond, cpuUs: (after.cpuUs - before.cpuUs) / succeeded };
}

const servers = { own: await startServer("own"), "grpc-js": await startServer("grpc-js") };
const figures = [];
for (let round = 0; round <= Number(rounds); round += 1) {
  for (const shape of SHAPES) {
    const row = { shape: shape.join(" x ") };
    for (const [kind, server] of Object.entries(servers)) row[kind] = await load(server, shape);
    // the first round warms up
    if (round > 0) figures.push(row);
  }
}
for (const { shape, own, "grpc-js": other } of figures) {
  const show = ({ perSecond, cpuUs }) => `${Math.round(perSecond)}/s ${cpuUs.toFixed(1)} us`;
  const ratios = `${(own.perSecond / other.perSecond).toFixed(1)} x rate, ${(other.cpuUs / own.cpuUs).toFixed(1)} x less CPU`;
  console.log(`${shape.padEnd(7)} own ${show(own).padEnd(18)} grpc-js ${show(other).padEnd(18)} ${ratios}`);
}
for (const server of Object.values(servers)) await server.stop();
