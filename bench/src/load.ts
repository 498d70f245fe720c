import { fileURLToPath } from "node:url";
import { builtFrom, run } from "@etcd-adapter/test/dist/servers/index.js";

export interface LoadResult {
  /** As the command names them: "perSecond", "p99Ms". */
  readonly figures: Readonly<Record<string, number>>;
  readonly cpuSeconds: number;
}

/** Runs the load generator against HOST:PORT; a wrong answer of the server is an error. */
export type Load = (target: string, args: readonly string[]) => Promise<LoadResult>;

export async function buildLoad(): Promise<Load> {
  const program = await builtFrom(fileURLToPath(new URL("../load/", import.meta.url)), "bench-load");
  return async (target, args) => {
    const [command, ...flags] = args;
    const line = [command!, `--target=${target}`, ...flags];
    const printed = await run(program, line, { timeoutMs: 600_000 }).catch((error: Error) => {
      // without the command line that `run` puts before what the generator says
      throw new Error(error.message.split("\n").slice(1).join("\n"));
    });
    return JSON.parse(printed) as LoadResult;
  };
}
