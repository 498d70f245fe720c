import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached, progress } from "./cache.js";
import { findProgram, run } from "./programs.js";
import { messageOf } from "./wait.js";

interface GoBuild {
  /** The module whose version in go.mod names the cache's sub-folder. */
  readonly module: string;
  /** File name of the program, and the package that it is built from. */
  readonly programs: Readonly<Record<string, string>>;
  /** Of a cold build on two cores. */
  readonly minutes: number;
  readonly cgo?: boolean;
  /** Whether what is built is our own: a change of it is a build of its own. */
  readonly own?: boolean;
  /** The programs are packages' tests, compiled with this build tag. */
  readonly testTag?: string;
}

const builds = {
  etcd: {
    module: "go.etcd.io/etcd/server/v3",
    programs: {
      etcd: "go.etcd.io/etcd/server/v3",
      etcdctl: "go.etcd.io/etcd/etcdctl/v3",
      etcdutl: "go.etcd.io/etcd/etcdutl/v3",
    },
    minutes: 2,
  },
  consul: { module: "github.com/hashicorp/consul", programs: { "consul-agent": "." }, minutes: 4 },
  tidb: {
    module: "github.com/pingcap/tidb",
    programs: { "tidb-server": "github.com/pingcap/tidb/cmd/tidb-server" },
    minutes: 4,
  },
  // SQLite's driver is C
  kine: {
    module: "github.com/k3s-io/kine",
    programs: { kine: "github.com/k3s-io/kine" },
    minutes: 2,
    cgo: true,
  },
  // etcd's own end-to-end tests.
  "etcd-e2e": {
    module: "go.etcd.io/etcd/tests/v3",
    programs: { "common.test": "go.etcd.io/etcd/tests/v3/common" },
    minutes: 2,
    testTag: "e2e",
  },
  // What core/transport is proven with.
  h2spec: {
    module: "github.com/summerwind/h2spec",
    programs: { h2spec: "github.com/summerwind/h2spec/cmd/h2spec" },
    minutes: 1,
  },
  "grpc-interop": {
    module: "google.golang.org/grpc",
    programs: { "interop-client": "google.golang.org/grpc/interop/client" },
    minutes: 1,
  },
  // Checks the histories that clients record.
  linearizability: {
    module: "github.com/anishathalye/porcupine",
    programs: { linearizability: "." },
    minutes: 1,
    own: true,
  },
} satisfies Record<string, GoBuild>;

export type BuildName = keyof typeof builds;
export const buildNames = Object.keys(builds) as BuildName[];

type ProgramOf<N extends BuildName> = keyof (typeof builds)[N]["programs"] & string;

/** The paths of those programs, built from their Go modules into the cache unless they are there. */
export async function built<N extends BuildName>(name: N): Promise<Record<ProgramOf<N>, string>> {
  const build: GoBuild = builds[name];
  const source = sourceOf(name);
  const version = await requiredVersion(join(source, "go.mod"), build.module);
  const key = build.own ? `${name}-${version}-${await digest(source)}` : `${name}-${version}`;
  const folder = await cached(key, (into) => compile(`${name} ${version}`, build, source, into));
  const paths = Object.keys(build.programs).map((file) => [file, join(folder, file)]);
  return Object.fromEntries(paths) as Record<ProgramOf<N>, string>;
}

/** A program in Go whose source is that folder of this repository; built again when the source has changed. */
export async function builtFrom(source: string, name: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of (await readdir(source)).sort())
    hash.update(file).update(await readFile(join(source, file)));
  const version = hash.digest("hex").slice(0, 12);
  const build = { module: name, programs: { [name]: "." }, minutes: 1 };
  const folder = await cached(`${name}-${version}`, (into) => compile(name, build, source, into));
  return join(folder, name);
}

/** Where Go keeps the source of what is built, for tests that read files beside it. */
export async function moduleFolder(name: BuildName): Promise<string> {
  const args = ["list", "-m", "-f", "{{.Dir}}", builds[name].module];
  return (await run(goProgram(name), args, { cwd: sourceOf(name), env: { GOWORK: "off" } })).trim();
}

function sourceOf(name: BuildName): string {
  return fileURLToPath(new URL(`../../servers-go/${name}/`, import.meta.url));
}

function goProgram(title: string): string {
  const go = findProgram("go", ["/usr/local/go/bin"]);
  if (go === undefined)
    throw new Error(`go is not installed: ${title} is built from its Go module, by Go 1.26`);
  return go;
}

async function requiredVersion(goMod: string, module: string): Promise<string> {
  const words = (await readFile(goMod, "utf8")).split("\n").map((line) => line.trim().split(/\s+/));
  // in a block "module version", alone "require module version"; a tool line has no version
  const requirement = words.map((line) => (line[0] === "require" ? line.slice(1) : line));
  const version = requirement.find((line) => line[0] === module && line[1]?.startsWith("v"))?.[1];
  if (version === undefined) throw new Error(`${goMod} does not require ${module}`);
  // of a pseudo-version only the commit tells anything
  return /-([0-9a-f]{12})$/.exec(version)?.[1] ?? version.replace(/^v/, "");
}

async function digest(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of (await readdir(folder)).sort()) hash.update(await readFile(join(folder, file)));
  return hash.digest("hex").slice(0, 12);
}

async function compile(title: string, build: GoBuild, source: string, into: string): Promise<void> {
  const go = goProgram(title);
  progress(`building ${title} from its Go module, about ${build.minutes} minutes, once`);
  const start = performance.now();
  const seconds = () => Math.round((performance.now() - start) / 1000);
  const reminder = setInterval(() => progress(`still building ${title}, ${seconds()} s`), 60_000);
  try {
    for (const [file, target] of Object.entries(build.programs)) {
      const flags = ["-trimpath", "-ldflags=-s -w", "-o", join(into, file)];
      const verb = build.testTag === undefined ? ["build"] : ["test", "-c", "-tags", build.testTag];
      await run("nice", ["-n", "10", go, ...verb, ...flags, target], {
        cwd: source,
        env: { CGO_ENABLED: build.cgo ? "1" : "0", GOWORK: "off" },
      });
    }
  } catch (error) {
    throw new Error(`${title} could not be built: ${messageOf(error)}`, { cause: error });
  } finally {
    clearInterval(reminder);
  }
  progress(`built ${title} in ${seconds()} s`);
}
