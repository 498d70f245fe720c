/** The files of examples/apisix that need a Docker, a Kubernetes or a systemd to run: what can be said without one. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { promisify } from "node:util";
import { validate as lint } from "dockerfile-utils";
import { parse } from "yaml";
import { publishedPackages } from "../packages/packages.js";
import { temporaryFolder } from "../servers/folders.js";
import { freePort, isRequired, ServerProcess } from "../servers/index.js";
import { EXAMPLE, PROGRAM, readExample } from "./files.js";
import {
  type Container,
  type IDeployment,
  type Manifest,
  manifestsOf,
  type PodSpec,
  validate,
} from "./kubernetes.js";

const execute = promisify(execFile);
const ANALYZE = "/usr/bin/systemd-analyze";

describe("options in examples/apisix", () => {
  let known: Set<string>;

  before(async () => {
    const { stdout } = await execute(process.execPath, [PROGRAM, "--help"]);
    known = new Set([...stdout.matchAll(/^ {2}(--[a-z0-9-]+)$/gm)].map(([, flag]) => flag!));
    assert.ok(known.size > 30);
  });

  const FILES = [
    ["Dockerfile", /"(--[a-z-]+)=/g],
    ["central/kubernetes.yaml", /- (--[a-z-]+)=/g],
    ["sidecar/apisix-patch.yaml", /- (--[a-z-]+)=/g],
    ["systemd/etcd-adapter.service", /(?<=^ExecStart=.*)(--[a-z-]+)/gm],
    ["systemd/etcd-adapter.service.d/tls.conf", /\b(ETCD_[A-Z_]+)=/g],
    ["README.md", /`(ETCD_[A-Z_]+)=/g],
    ["central/README.md", /adapter's `(--[a-z-]+)`/g],
  ] as const;
  for (const [file, pattern] of FILES) {
    test(file, () => {
      const used = [...readExample(file).matchAll(pattern)].map(([, name]) => name!);
      assert.ok(used.length > 0);
      for (const name of used) {
        const flag = name.startsWith("ETCD_")
          ? `--${name.slice("ETCD_".length).toLowerCase().replaceAll("_", "-")}`
          : name;
        assert.ok(known.has(flag), name);
      }
    });
  }
});

describe("Kubernetes manifests", () => {
  const central = manifestsOf(readExample("central/kubernetes.yaml"));
  const patch = parse(readExample("sidecar/apisix-patch.yaml")) as Manifest & IDeployment;
  const patched = podOf(patch).initContainers![0]!;
  const deployment = central.find(({ kind }) => kind === "Deployment") as Manifest & IDeployment;

  test("an unknown field and a wrong type are found", () => {
    const wrong = (change: object) => ({ ...deployment, spec: { ...deployment.spec!, ...change } });
    assert.throws(() => validate(wrong({ replicaz: 3 })), /has no field spec\.replicaz/);
    assert.throws(() => validate(wrong({ replicas: "3" })), /must be integer/);
  });

  test("central fits the schemas", () => {
    assert.deepEqual(
      central.map(({ kind }) => kind),
      ["Deployment", "Service", "PodDisruptionBudget"],
    );
    for (const manifest of central) validate(manifest);
  });

  test("the labels and the port are the same everywhere", () => {
    const [, service, budget] = central as unknown as {
      spec: { selector: object; ports: { targetPort: string }[] };
    }[];
    const { labels } = deployment.spec!.template.metadata!;
    assert.deepEqual(deployment.spec!.selector.matchLabels, labels);
    assert.deepEqual(service!.spec.selector, labels);
    assert.deepEqual(budget!.spec.selector, { matchLabels: labels });
    const [container] = podOf(deployment).containers;
    assert.equal(service!.spec.ports[0]!.targetPort, container!.ports![0]!.name);
  });

  test("the sidecar's patch, put into a Deployment of APISIX, fits the schema", () => {
    const pod: PodSpec = { ...podOf(patch), containers: [{ name: "apisix", image: "apache/apisix" }] };
    const labels = { app: "apisix" };
    validate({
      ...patch,
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
    });
    assert.equal(patched.restartPolicy, "Always");
  });

  test("each volume that is mounted is there, and holds what the config file names", () => {
    for (const [pod, container] of [
      [podOf(deployment), podOf(deployment).containers[0]!],
      [podOf(patch), patched],
    ] as const) {
      const volumes = pod.volumes!.map(({ name }) => name);
      const mounts = container.volumeMounts!;
      assert.ok(mounts.every(({ name }) => volumes.includes(name)));
      const place = container === patched ? "sidecar" : "central";
      const config = parse(readExample(`${place}/etcd-adapter.yaml`)) as Record<string, unknown>;
      for (const name of ["cert-file", "key-file"]) {
        const path = config[name];
        if (typeof path === "string")
          assert.ok(
            mounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`)),
            path,
          );
      }
      const { options } = config.storage as { options: Record<string, string> };
      assert.ok(container.env!.some(({ name }) => name === options["password-env"]));
    }
  });

  test("every probe is answered, and a bad one is told from a good one", async () => {
    const adapter = await startForProbes();
    const [container] = podOf(deployment).containers;
    for (const probe of [container!.livenessProbe!, container!.readinessProbe!]) {
      const answer = await fetch(`${adapter.url}${probe.httpGet!.path}`);
      assert.equal(answer.status, 200);
    }
    for (const probe of [patched.startupProbe!, patched.readinessProbe!, patched.livenessProbe!]) {
      const { command } = probe.exec!;
      const at = (url: string) => command!.map((word) => word.replace("http://127.0.0.1:2379", url));
      assert.notDeepEqual(at(adapter.url), command);
      assert.equal(await exitCode(at(adapter.url)), 0);
      assert.equal(await exitCode(at("http://127.0.0.1:9")), 1);
    }
    await adapter.stop();
  });
});

describe("Dockerfile", () => {
  const text = readExample("Dockerfile");
  const instruction = (name: string): string[] =>
    JSON.parse(new RegExp(`^${name} (\\[.*\\])$`, "m").exec(text)![1]!) as string[];

  test("the linter has nothing to say", () => {
    assert.deepEqual(lint(text), []);
    assert.notDeepEqual(lint("FRO node"), []);
  });

  test("it takes every package that the program consists of", () => {
    const copied = [...text.matchAll(/^COPY (\S+)\/(?:package\.json)? \S+$/gm)].map(([, folder]) => folder);
    const wanted = publishedPackages().filter(({ manifest }) => manifest.name !== "@etcd-adapter/plugin-kit");
    assert.deepEqual(copied.sort(), wanted.map(({ folder }) => folder).sort());
  });

  test("the command serves, and the health check tells whether it does", async () => {
    assert.ok(PROGRAM.endsWith(instruction("ENTRYPOINT")[1]!.replace("/opt/etcd-adapter", "")));
    const adapter = await startForProbes(instruction("CMD"));
    const check = JSON.parse(/^HEALTHCHECK [\s\S]*?CMD (\[.*\])$/m.exec(text)![1]!) as string[];
    assert.equal(await exitCode(check, { HEALTH_URL: `${adapter.url}/livez` }), 0);
    await adapter.stop();
    assert.equal(await exitCode(check, { HEALTH_URL: `${adapter.url}/livez` }), 1);
  });
});

// .ci/install-packages brings it; a newcomer's machine may be no Linux
if (existsSync(ANALYZE) || isRequired("postgres")) {
  describe("systemd unit", () => {
    const folder = temporaryFolder("unit");
    const unit = join(folder, "etcd-adapter.service");
    const text = readExample("systemd/etcd-adapter.service").replace("=etcd-adapter ", `=${PROGRAM} `);
    const verify = async (): Promise<string> => (await execute(ANALYZE, ["verify", "--man=no", unit])).stderr;

    before(() => {
      cpSync(join(EXAMPLE, "systemd"), folder, { recursive: true });
      writeFileSync(unit, text);
    });

    test("with its drop-in it is one that systemd takes", async () => {
      assert.equal(await verify(), "");
      writeFileSync(unit, text.replace("DynamicUser", "DynamicUsr"));
      assert.match(await verify(), /DynamicUsr/);
      writeFileSync(unit, text);
    });

    test("it exposes little", async () => {
      await assert.doesNotReject(execute(ANALYZE, ["security", "--offline=yes", "--threshold=20", unit]));
    });
  });
}

function podOf(deployment: IDeployment): PodSpec & { readonly containers: readonly Container[] } {
  return deployment.spec!.template.spec!;
}

async function exitCode([program, ...args]: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  assert.equal(program, "node");
  try {
    await execute(process.execPath, args, { env: { ...process.env, ...env } });
    return 0;
  } catch (error) {
    return (error as { code: number }).code;
  }
}

/** An adapter on a port and in a folder of the test's own, started by the command given. */
async function startForProbes(
  command: readonly string[] = ["--listen-client-urls=http://0.0.0.0:2379", "--data-dir=x"],
) {
  const port = await freePort();
  const folder = temporaryFolder("example");
  const url = `http://127.0.0.1:${port}`;
  const args = command.map((flag) =>
    flag
      .replace("0.0.0.0:2379", `127.0.0.1:${port}`)
      .replace(/^(--data-dir=).*/, `$1${join(folder, "data")}`),
  );
  const server = await ServerProcess.start({
    name: "etcd-adapter",
    program: process.execPath,
    args: [PROGRAM, ...args],
    folder,
    probe: async () => assert.equal((await fetch(`${url}/readyz`)).status, 200),
  });
  return Object.assign(server, { url });
}
