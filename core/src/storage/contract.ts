import type { Logger } from "pino";
import { StorageError, type StorageErrorCode } from "./errors.js";
import type { LogStorage, Snapshot } from "./log-storage.js";
import type { Commit, Head, News, SinceQuery } from "./model.js";
import type { QueryStorage } from "./query-storage.js";

/** What a plugin did against the seam's contract; the message names the plugin and the method. */
export class ContractError extends StorageError {}

type Method<Storage> = Exclude<keyof Storage, "shared"> & string;
type Call = (...args: unknown[]) => Promise<unknown>;

const LOG_METHODS: Record<Method<LogStorage>, "required" | "optional"> = {
  open: "required",
  close: "required",
  last: "required",
  append: "required",
  read: "required",
  loadSnapshot: "required",
  saveSnapshot: "required",
  trim: "required",
  size: "required",
  subscribe: "optional",
};

const QUERY_METHODS: Record<Method<QueryStorage>, "required" | "optional"> = {
  open: "required",
  close: "required",
  head: "required",
  commit: "required",
  commitId: "required",
  range: "required",
  get: "required",
  leaseKeys: "required",
  changes: "required",
  since: "required",
  release: "optional",
  prune: "required",
  size: "required",
  defragment: "optional",
  subscribe: "optional",
};

/** The table in errors.ts; a list because an error may come from another copy of that module. */
const CODES: Record<StorageErrorCode, true> = {
  conflict: true,
  compacted: true,
  future: true,
  unavailable: true,
  uncertain: true,
  full: true,
  corrupt: true,
  misconfigured: true,
  closed: true,
  internal: true,
};

/** A poller that meets the same fault ten times a second must not fill the disk with it. */
const LOG_INTERVAL_MS = 10_000;

/**
 * Stands before a plugin's storage and names the plugin when it breaks the contract. It looks at what costs
 * nothing to look at and would otherwise show up far away from its cause; the kit asks for the rest.
 */
export class Contract {
  readonly #label: string;
  readonly #logger: Logger;
  readonly #logged = new Map<string, number>();
  /** The newest sequence that any finished call has told of. */
  #newest = 0n;

  constructor(label: string, logger: Logger) {
    this.#label = label;
    this.#logger = logger;
  }

  log(create: () => LogStorage): LogStorage {
    return this.#checked(this.#created(create), LOG_METHODS);
  }

  query(create: () => QueryStorage): QueryStorage {
    return this.#checked(this.#created(create), QUERY_METHODS);
  }

  #created<Storage>(create: () => Storage): Storage {
    try {
      return create();
    } catch (error) {
      throw storageError(error) ?? this.#broken("create()", `threw ${describe(error)}`, { cause: error });
    }
  }

  #checked<Storage extends object>(storage: Storage, methods: Record<string, string>): Storage {
    const given = storage as Readonly<Record<string, unknown>> | null | undefined;
    const missing = Object.keys(methods).filter(
      (name) => typeof given?.[name] !== "function" && (methods[name] === "required" || given?.[name]),
    );
    if (!given || missing.length > 0 || typeof given.shared !== "boolean") {
      const lacks = [
        ...(typeof given?.shared === "boolean" ? [] : ["shared"]),
        ...missing.map((name) => `${name}()`),
      ];
      throw this.#broken("create()", `returned ${kindOf(storage)} without ${lacks.join(", ")}`);
    }
    const checked: Record<string, unknown> = { shared: given.shared };
    for (const name of Object.keys(methods)) {
      const method = given[name] as Call | undefined;
      if (method)
        checked[name] = (...args: unknown[]) => this.#call(name, () => method.apply(storage, args), args);
    }
    return checked as Storage;
  }

  async #call(name: string, call: () => Promise<unknown>, args: readonly unknown[]): Promise<unknown> {
    const newest = this.#newest;
    let answer: unknown;
    try {
      answer = await call();
    } catch (error) {
      throw this.#rejected(name, error);
    }
    if (name === "append") this.#noteSequence(args[0] as bigint);
    if (name === "commit") this.#noteSequence((args[0] as Commit).head.sequence);
    if (name === "head" || name === "last" || (name === "since" && (args[0] as SinceQuery).linearizable))
      this.#checkSequence(name, answer, newest);
    if (name === "read") this.#checkSegments(answer, args[0] as bigint);
    if (name === "loadSnapshot" && answer) return this.#snapshot(answer as Snapshot);
    return answer;
  }

  #rejected(name: string, error: unknown): StorageError {
    const what = `rejected with ${describe(error)} instead of a StorageError`;
    return storageError(error) ?? this.#report(name, what, { cause: error });
  }

  /** Its chunks are read after the call, and may fail as a call may. */
  #snapshot({ sequence, chunks }: Snapshot): Snapshot {
    const rejected = (error: unknown) => this.#rejected("loadSnapshot", error);
    const checked = async function* () {
      try {
        yield* chunks;
      } catch (error) {
        throw rejected(error);
      }
    };
    return { sequence, chunks: checked() };
  }

  /** Linearizable: what this process knew of before it asked must be in the answer. */
  #checkSequence(name: string, answer: unknown, newest: bigint): void {
    const sequence = sequenceIn(name, answer);
    if (typeof sequence !== "bigint") {
      throw this.#report(name, `answered ${kindOf(sequence)} where the sequence, a bigint, was expected`);
    }
    if (sequence < newest) {
      const what = `went back from sequence ${newest} to ${sequence}: the backend has lost commits, or answers with old data`;
      throw this.#report(name, what, { code: "corrupt" });
    }
    this.#noteSequence(sequence);
  }

  #noteSequence(sequence: bigint): void {
    if (sequence > this.#newest) this.#newest = sequence;
  }

  #checkSegments(answer: unknown, after: bigint): void {
    const fits =
      Array.isArray(answer) &&
      answer.every(
        (segment: { sequence?: unknown; bytes?: unknown } | null, index) =>
          segment?.sequence === after + BigInt(index + 1) && Buffer.isBuffer(segment.bytes),
      );
    if (!fits)
      throw this.#report("read", `answered no gapless list of segments above ${after}`, { code: "corrupt" });
  }

  #report(name: string, what: string, options?: { cause?: unknown; code?: StorageErrorCode }): ContractError {
    const error = this.#broken(`${name}()`, what, options);
    const now = performance.now();
    if (now - (this.#logged.get(name) ?? Number.NEGATIVE_INFINITY) >= LOG_INTERVAL_MS) {
      this.#logged.set(name, now);
      this.#logger.error({ err: error }, "a plugin breaks the contract of the storage seam");
    }
    return error;
  }

  #broken(
    call: string,
    what: string,
    options: { cause?: unknown; code?: StorageErrorCode } = {},
  ): ContractError {
    const { cause, code = "internal" } = options;
    return new ContractError(
      code,
      `${this.#label} breaks the contract of the storage seam: ${call} ${what}.`,
      { cause },
    );
  }
}

function sequenceIn(name: string, answer: unknown): unknown {
  if (name === "last") return answer;
  const head = name === "head" ? answer : (answer as Partial<News> | null)?.head;
  return (head as Partial<Head> | null | undefined)?.sequence;
}

/** A plugin that was installed elsewhere brings its own copy of the core, and with it another StorageError. */
function storageError(error: unknown): StorageError | undefined {
  if (error instanceof StorageError) return error;
  if (!(error instanceof Error) || error.name !== "StorageError") return undefined;
  const { code } = error as Partial<StorageError>;
  if (code === undefined || !Object.hasOwn(CODES, code)) return undefined;
  return new StorageError(code, error.message, { cause: error });
}

function describe(error: unknown): string {
  return error instanceof Error ? `"${firstLine(String(error))}"` : kindOf(error);
}

/** Some messages, of syntax errors for instance, go on with an excerpt. */
export function firstLine(text: string): string {
  return text.split("\n", 1)[0]!;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value instanceof Promise) return "a promise";
  return `${/^[aeiou]/.test(typeof value) ? "an" : "a"} ${typeof value}`;
}
