/**
 * h2spec and gRPC's own interop client against the interop service, over TCP and over TLS.
 * node proof/proof.mjs [H2SPEC] [INTEROP_CLIENT]; without paths, what `test`'s server cache has built is taken.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { TEST_CERTIFICATE } from "../dist/testing/certificate.js";

const CACHE = process.env.ETCD_ADAPTER_CACHE ?? join(homedir(), ".cache", "etcd-adapter");
const [h2spec = cached("h2spec-", "h2spec"), interop = cached("grpc-interop-", "interop-client")] =
  process.argv.slice(2);
const ca = join(mkdtempSync(join(tmpdir(), "transport-proof-")), "ca.pem");
writeFileSync(ca, TEST_CERTIFICATE);

/** What a gRPC server must answer otherwise than h2spec expects of a web server, and why. */
const H2SPEC_DIFFERENCES = new Map([
  [
    "Sends a WINDOW_UPDATE frame on half-closed (remote) stream",
    "expects DATA; a request without a gRPC content type is refused by headers alone",
  ],
  ["Sends a PRIORITY frame on half-closed (remote) stream", "the same"],
  [
    "Sends HEADERS frames that causes their advertised concurrent stream limit to be exceeded",
    "its requests are refused at once, so that no two are ever open",
  ],
]);

/** Every case of the client but those that need an account in Google's cloud. */
const INTEROP_CASES = [
  ...["empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream"],
  ...["timeout_on_sleeping_server", "cancel_after_begin", "cancel_after_first_response"],
  ...["status_code_and_message", "special_status_message", "custom_metadata"],
  ...["unimplemented_method", "unimplemented_service", "pick_first_unary", "rpc_soak", "channel_soak"],
  ...["orca_per_rpc", "orca_oob"],
];
const ORCA = '{"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}';

function cached(prefix, program) {
  const folder = readdirSync(CACHE).find((name) => name.startsWith(prefix));
  if (folder === undefined) throw new Error(`no ${program}: node test/dist/servers/cli.js build`);
  return join(CACHE, folder, program);
}

function run(program, args) {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 120_000, maxBuffer: 2 ** 24 }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: stdout + stderr }),
    );
  });
}

let passed = 0;
const failures = [];

async function withServer(args, use) {
  const program = fileURLToPath(new URL("../dist/testing/interop-server.js", import.meta.url));
  const server = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: server.stdout }), "line");
  await use(line.split(" ").at(-1));
  server.kill("SIGTERM");
}

async function specification(port, title, flags, known) {
  const { output } = await run(h2spec, ["-h", "127.0.0.1", "-p", port, "-o", "2", ...flags]);
  const summary = output.trim().split("\n").at(-1);
  console.log(`${title}: ${summary}`);
  const end = output.indexOf("Failures:");
  const failed = end < 0 ? [] : [...output.slice(end).matchAll(/× \d+: (.*)/g)].map(([, name]) => name);
  for (const name of failed) {
    if (known.has(name)) console.log(`  known: ${name}: ${known.get(name)}`);
    else failures.push(`${title}: ${name}`);
  }
  const count = Number(/(\d+) passed/.exec(summary)?.[1] ?? 0);
  if (count === 0) failures.push(`${title} passed no test`);
  passed += count;
}

async function interoperability(port, title, flags) {
  for (const name of INTEROP_CASES) {
    const config = name.startsWith("orca") ? [`--service_config_json=${ORCA}`] : [];
    const args = [
      "--server_host=127.0.0.1",
      `--server_port=${port}`,
      `--test_case=${name}`,
      ...flags,
      ...config,
    ];
    const result = await run(interop, args);
    if (result.failed) failures.push(`${title}: ${name}\n${result.output.split("\n").at(-2)}`);
    else passed += 1;
  }
  console.log(`${title}: ${INTEROP_CASES.length} cases`);
}

const TLS_FLAGS = ["--use_tls", "--use_test_ca", `--ca_file=${ca}`, "--server_host_override=localhost"];
for (const mode of ["tcp", "tls"]) {
  const isTls = mode === "tls";
  const spec = isTls ? ["-t", "-k"] : [];
  await withServer([mode, "web"], (port) =>
    specification(port, `h2spec over ${mode}, answered as by a web server`, spec, new Map()),
  );
  await withServer([mode], async (port) => {
    await specification(port, `h2spec over ${mode}, answered as by a gRPC server`, spec, H2SPEC_DIFFERENCES);
    await interoperability(port, `interop client over ${mode}`, isTls ? TLS_FLAGS : []);
  });
}
for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 ? 1 : 0;
