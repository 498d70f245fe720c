import type { SubjectKind } from "./subjects.js";

/** One figure of a scenario, as the load generator names it, and how the table calls it. */
export interface Figure {
  readonly key: string;
  readonly unit: "/s" | " ms";
  readonly title?: string;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** The load generator's command and flags. */
  readonly args: readonly string[];
  readonly figures: readonly Figure[];
  /** Reads the keys that are there before. */
  readonly filled?: boolean;
  /** Runs on storages that are servers too, not on the embedded ones alone. */
  readonly everywhere?: boolean;
  /** Before the first round; without it as long as a round measures. */
  readonly warmupSeconds?: number;
  /** kine can do it: it takes the transactions that Kubernetes sends, and no other writes. */
  readonly kine?: boolean;
}

const rate: Figure = { key: "perSecond", unit: "/s" };
const fanout: readonly Figure[] = [
  { key: "eventsPerSecond", unit: "/s", title: "events" },
  { key: "p50Ms", unit: " ms", title: "put to event, p50" },
  { key: "p99Ms", unit: " ms", title: "put to event, p99" },
];

const grpc = (operation: string, connections: number, streams: number): readonly string[] => [
  "grpc",
  `--operation=${operation}`,
  `--connections=${connections}`,
  `--streams=${streams}`,
];

export const scenarios: readonly Scenario[] = [
  {
    name: "put-1",
    title: "Put of 256 B, 1 in flight",
    args: grpc("put", 1, 1),
    figures: [rate],
    // V8 compiles by the number of calls, of which there are few a second
    warmupSeconds: 5,
    everywhere: true,
  },
  {
    name: "put-64",
    title: "Put, 64 in flight (8 × 8)",
    args: grpc("put", 8, 8),
    figures: [rate],
    everywhere: true,
  },
  {
    name: "put-64-connections",
    title: "Put, 64 in flight (64 × 1)",
    args: grpc("put", 64, 1),
    figures: [rate],
  },
  { name: "put-256", title: "Put, 256 in flight (8 × 32)", args: grpc("put", 8, 32), figures: [rate] },
  {
    name: "get",
    title: "Range of one key, linearizable",
    args: grpc("get", 8, 8),
    figures: [rate],
    filled: true,
    everywhere: true,
    kine: true,
  },
  {
    name: "get-serializable",
    title: "Range of one key, serializable",
    args: grpc("get-serializable", 8, 8),
    figures: [rate],
    filled: true,
  },
  {
    name: "list",
    title: "Range of 1,000 keys, 8 in flight",
    args: grpc("list", 8, 1),
    figures: [rate],
    filled: true,
    everywhere: true,
    kine: true,
  },
  {
    name: "swap",
    title: "Compare-and-swap, own keys",
    args: grpc("swap", 8, 8),
    figures: [rate],
    everywhere: true,
    kine: true,
  },
  {
    name: "swap-hot",
    title: "Compare-and-swap, all on one key",
    args: grpc("swap-hot", 8, 8),
    figures: [
      { ...rate, title: "answers" },
      { key: "swapsPerSecond", unit: "/s", title: "swaps" },
    ],
  },
  {
    name: "mixed",
    title: "80 % Range, 20 % Put",
    args: grpc("mixed", 8, 8),
    figures: [rate],
    filled: true,
  },
  {
    name: "watch-1000",
    title: "1,000 watchers",
    args: ["watch", "--watchers=1000", "--connections=20", "--per-second=20"],
    figures: fanout,
    everywhere: true,
  },
  {
    name: "watch-10000",
    title: "10,000 watchers",
    args: ["watch", "--watchers=10000", "--connections=20", "--per-second=4"],
    figures: fanout,
  },
  {
    name: "gateway-put",
    title: "Gateway put, 64 connections",
    args: ["gateway", "--operation=put", "--connections=64"],
    figures: [rate],
  },
  {
    name: "gateway-get",
    title: "Gateway get, 64 connections",
    args: ["gateway", "--operation=get", "--connections=64"],
    figures: [rate],
    filled: true,
  },
  {
    name: "gateway-watch",
    title: "Gateway, 200 watchers",
    args: ["gateway-watch", "--watchers=200", "--per-second=20"],
    figures: fanout,
  },
];

/** Whether that subject can take part: kine does little, and a storage's server is measured where it matters. */
export function takesPart(scenario: Scenario, kind: SubjectKind, onServer: boolean): boolean {
  if (kind === "kine") return scenario.kine === true;
  return !onServer || scenario.everywhere === true;
}
