export const FORMATS = ["simple", "json", "fields", "table", "protobuf"] as const;
/** What `--write-out` is given; `as is` adds no such flag. */
export type Format = (typeof FORMATS)[number] | "as is";

/**
 * One command line, given to a real etcd and to the adapter in the same state. `$NAME` stands for what an earlier
 * step kept, and for `$url`, `$member` (this server's ID), `$folder` (empty, to write into) and `$destination` (the
 * URL of a second server of the same kind).
 */
export interface Step {
  /** Words, split as a shell does with single quotes. */
  readonly run: string;
  /** The formats that it is run in, one after the other; all if not given. */
  readonly formats?: readonly Format[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Without `--endpoints`. */
  readonly bare?: boolean;
  /** Names for parts of the output. */
  readonly keep?: Readonly<Record<string, RegExp>>;
  /** It runs until interrupted: each text is waited for, and followed by what is beside it: commands, or `< LINE` for its own input. */
  readonly until?: readonly (readonly [shown: RegExp, ...commands: string[]])[];
  /** A request to the gateway before each run, for what etcdctl has no command for. */
  readonly before?: { readonly path: string; readonly body: unknown };
  /** It says nothing: the texts are waited for in what the destination holds. */
  readonly shownAtDestination?: boolean;
  /** It is given to the destinations. */
  readonly atDestination?: boolean;
  /** Its lines come in any order. */
  readonly isUnordered?: boolean;
}

/** Steps that share a pair of servers. */
export interface Scenario {
  readonly name: string;
  /** Flags that both servers are started with. */
  readonly flags?: readonly string[];
  readonly needsDestination?: boolean;
  readonly steps: readonly Step[];
}

export const PLAIN: readonly Format[] = ["as is"];

export function plain(...runs: readonly string[]): Step[] {
  return runs.map((run) => ({ run, formats: PLAIN }));
}

export function every(...runs: readonly string[]): Step[] {
  return runs.map((run) => ({ run }));
}
