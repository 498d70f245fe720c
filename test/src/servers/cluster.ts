import type { ServerProcess } from "./process.js";
import { waitUntil } from "./wait.js";

export interface Cluster<S extends ServerProcess> {
  readonly nodes: readonly S[];
  /** The node that says that it leads; waits up to 60 seconds while there is none. */
  leader(): Promise<S>;
  followers(): Promise<S[]>;
  /** Kills the leader with SIGKILL and gives it, for a later restart. */
  killLeader(): Promise<S>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `isLeader` asks the node itself, so that a paused or dead leader is not taken for one. */
export function clusterOf<S extends ServerProcess>(
  nodes: readonly S[],
  isLeader: (node: S) => Promise<boolean>,
): Cluster<S> {
  const leader = () =>
    waitUntil(
      async () => {
        const answers = nodes.map(
          async (node) => node.isRunning && (await isLeader(node).catch(() => false)),
        );
        const index = (await Promise.all(answers)).indexOf(true);
        if (index < 0) throw new Error("no node leads");
        return nodes[index]!;
      },
      { timeoutMs: 60_000 },
    );
  return {
    nodes,
    leader,
    followers: async () => {
      const leading = await leader();
      return nodes.filter((node) => node !== leading && node.isRunning);
    },
    killLeader: async () => {
      const leading = await leader();
      await leading.kill9();
      return leading;
    },
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}

/** Starts all at once, for none is ready before a majority runs; if one fails, the others are ended. */
export async function startAll<S extends ServerProcess>(starts: readonly Promise<S>[]): Promise<S[]> {
  const results = await Promise.allSettled(starts);
  const failure = results.find((result) => result.status === "rejected");
  const nodes = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  if (failure === undefined) return nodes;
  await Promise.all(nodes.map((node) => node.discard()));
  throw failure.reason;
}
