/** What the clients and watchers of a run did and saw. Times are this process's monotonic milliseconds. */

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly create: bigint;
  readonly mod: bigint;
  readonly version: bigint;
  readonly lease: bigint;
}

export type Step =
  | { readonly type: "put"; readonly key: string; readonly value: string; readonly lease: bigint }
  | { readonly type: "delete"; readonly key: string; readonly end: string }
  | { readonly type: "get"; readonly key: string; readonly end: string };

/** Equality with the key's current value; a key that is not there has 0n. */
export interface Compare {
  readonly key: string;
  readonly target: "mod" | "version" | "create";
  readonly operand: bigint;
}

/** Everything is a transaction; `via` says by which call it was sent. */
export interface Request {
  readonly via: "put" | "delete" | "get" | "txn";
  readonly compares: readonly Compare[];
  readonly success: readonly Step[];
  readonly failure: readonly Step[];
  readonly serializable: boolean;
  /** The revision that `get` reads at; 0n: the newest. */
  readonly at: bigint;
}

export type StepResult =
  | { readonly type: "put"; readonly previous: KeyValue | undefined }
  | { readonly type: "delete"; readonly previous: readonly KeyValue[] }
  | { readonly type: "get"; readonly kvs: readonly KeyValue[] };

export interface Response {
  readonly revision: bigint;
  readonly succeeded: boolean;
  readonly results: readonly StepResult[];
}

/** `refused`: certainly not done. `unknown`: done once, later perhaps, or never. */
export type Outcome =
  | { readonly type: "ok"; readonly response: Response }
  | { readonly type: "refused" | "unknown"; readonly error: string };

export interface Operation {
  readonly client: number;
  /** The adapter and its life between two starts, as "2.0". */
  readonly incarnation: string;
  readonly call: number;
  readonly return: number;
  readonly request: Request;
  readonly outcome: Outcome;
}

export interface Change {
  readonly deleted: boolean;
  readonly kv: KeyValue;
  /** Known to watchers that asked for it only. */
  readonly previous?: KeyValue | undefined;
}

export interface Delivery {
  readonly revision: bigint;
  readonly at: number;
  readonly changes: readonly Change[];
}

/** A watcher between its creation and its end, on one adapter. */
export interface WatchSegment {
  readonly watcher: string;
  readonly incarnation: string;
  readonly prefix: string;
  readonly withPrevious: boolean;
  /** What it asked not to be shown. */
  readonly filter?: "puts" | "deletions" | undefined;
  /** Whether this watcher always goes on where it was. */
  readonly gapless: boolean;
  /** Everything from here on was asked for. */
  readonly from: bigint;
  readonly deliveries: Delivery[];
  /** Revisions that progress notices gave, with how many deliveries came before each. */
  readonly progress: { readonly revision: bigint; readonly after: number }[];
}

export interface Call {
  readonly call: number;
  readonly return: number;
  /** Absent when the outcome is unknown. For a keep-alive the TTL, 0n: no such lease. */
  readonly answer: bigint | undefined;
}

export interface LeaseLife {
  readonly id: bigint;
  readonly ttlMs: number;
  readonly grant: Call;
  readonly keepAlives: Call[];
  revoke: Call | undefined;
}

export interface History {
  readonly operations: Operation[];
  readonly segments: WatchSegment[];
  readonly leases: LeaseLife[];
  /** Revisions that a client asked to compact to. */
  readonly compactions: bigint[];
}

export function emptyHistory(): History {
  return { operations: [], segments: [], leases: [], compactions: [] };
}

/** Keys of a run are text; an end of "\0" means all from the key on. */
export function covers(key: string, end: string, candidate: string): boolean {
  if (end === "") return candidate === key;
  return candidate >= key && (end === "\0" || candidate < end);
}

/** The range end of a prefix, which ends in a character that has a successor. */
export function endOf(prefix: string): string {
  if (prefix === "") return "\0";
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
