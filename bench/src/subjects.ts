import { join } from "node:path";
import { type AdapterOptions, startAdapterProcess } from "@etcd-adapter/test/dist/adapter/start.js";
import { type ServerProcess, startEtcd } from "@etcd-adapter/test/dist/servers/index.js";
import { startKine } from "./kine.js";
import type { Load } from "./load.js";
import type { StorageServer } from "./storage-servers.js";

/** A server under load. */
export interface Subject {
  /** The column's title: "etcd", "sqlite own", "kine sqlite". */
  readonly name: string;
  readonly process: ServerProcess;
  /** HOST:PORT */
  readonly target: string;
  /** A quicker way to that many keys than by its API, where that would take too long. */
  readonly seed?: (keys: number) => Promise<void>;
}

export type SubjectKind = "etcd" | "adapter" | "kine";

export interface SubjectPlan {
  readonly name: string;
  readonly kind: SubjectKind;
  /** Where its data lives; etcd has no choice. */
  readonly storage?: string;
  start(context: StartContext): Promise<Subject>;
}

export interface StartContext {
  readonly load: Load;
  /** The running server of a storage; undefined for an embedded one. */
  server(storage: string): Promise<StorageServer | undefined>;
  /** A folder for CPU profiles of the adapter, if they are wanted. */
  readonly profiles: string | undefined;
}

export const etcd: SubjectPlan = {
  name: "etcd",
  kind: "etcd",
  start: async () => {
    // its default of 2 GB would end a long run
    const server = await startEtcd({ args: [`--quota-backend-bytes=${8 * 1024 ** 3}`] });
    return { name: "etcd", process: server, target: `${server.host}:${server.port}` };
  },
};

export function adapter(storage: string, transport: "own" | "grpc-js"): SubjectPlan {
  const name = `${storage} ${transport}`;
  return {
    name,
    kind: "adapter",
    storage,
    start: async ({ server, profiles }) => {
      const options: AdapterOptions = {
        args: [`--grpc-transport=${transport}`],
        ...(profiles !== undefined && { nodeArgs: ["--cpu-prof", `--cpu-prof-dir=${join(profiles, name)}`] }),
      };
      const url = (await (await server(storage))?.fresh()) ?? `${storage}:`;
      const started = await startAdapterProcess(url, options);
      return { name, process: started, target: started.address };
    },
  };
}

export function kine(storage: string): SubjectPlan {
  const name = `kine ${storage}`;
  return {
    name,
    kind: "kine",
    storage,
    start: async ({ server, load }) => {
      return { name, ...(await startKine(await server(storage), load)) };
    },
  };
}
