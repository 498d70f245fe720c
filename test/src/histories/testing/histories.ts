/** Small histories, written by hand, for the tests of what checks them. */
import { requestOf } from "../client.js";
import {
  type Change,
  emptyHistory,
  type History,
  type KeyValue,
  type Request,
  type StepResult,
} from "../history.js";

export const kv = (key: string, value: string, mod: bigint, more: Partial<KeyValue> = {}): KeyValue => ({
  ...{ key, value, create: mod, mod, version: 1n, lease: 0n },
  ...more,
});
export const put = (key: string, value: string, lease = 0n) =>
  requestOf("put", [{ type: "put", key, value, lease }]);
export const get = (key: string) => requestOf("get", [{ type: "get", key, end: "" }]);
export const remove = (key: string) => requestOf("delete", [{ type: "delete", key, end: "" }]);

export function perform(
  history: History,
  [call, end]: [number, number],
  request: Request,
  answer?: { revision: bigint; results: StepResult[]; succeeded?: boolean },
  incarnation = "0.0",
): void {
  const outcome = answer
    ? ({ type: "ok", response: { succeeded: true, ...answer } } as const)
    : ({ type: "unknown", error: "lost" } as const);
  history.operations.push({ client: 0, incarnation, call, return: end, request, outcome });
}

export function watch(history: History, changes: Change[][], from = 2n): void {
  const deliveries = changes.map((one, index) => ({
    revision: from + BigInt(index),
    at: 100 + index,
    changes: one,
  }));
  history.segments.push({
    watcher: `w${history.segments.length}`,
    ...{
      incarnation: "0.0",
      prefix: "",
      withPrevious: false,
      gapless: false,
      from,
      deliveries,
      progress: [],
    },
  });
}

export const a1 = kv("a", "1", 2n);
export const a2 = kv("a", "2", 3n, { create: 2n, version: 2n });
export const written: Change[][] = [[{ deleted: false, kv: a1 }], [{ deleted: false, kv: a2 }]];
const first = { revision: 2n, results: [{ type: "put" as const, previous: undefined }] };
const second = { revision: 3n, results: [{ type: "put" as const, previous: a1 }] };

/** Two puts of one key, one after the other, and a watcher. */
export function good(): History {
  const history = emptyHistory();
  perform(history, [0, 10], put("a", "1"), first);
  perform(history, [20, 30], put("a", "2"), second);
  watch(history, written);
  return history;
}
