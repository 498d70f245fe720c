import { EventEmitter } from "node:events";
import { StorageError } from "@etcd-adapter/core/storage";
import type { ConsulApi } from "./api.js";
import { fromConsul, isServersFault, type Purpose, permissionDenied, wasNeverSent } from "./errors.js";

export interface Item {
  readonly value: Buffer;
  readonly modifyIndex: number;
}

export type Operation =
  | { readonly verb: "get" | "delete"; readonly key: string }
  | { readonly verb: "cas"; readonly key: string; readonly value: Buffer; readonly index: number };

/**
 * One item for each `get`, and for each `cas` whose key may be read, in their order; undefined when an operation
 * failed, so that nothing was done.
 */
export type Answer = readonly Item[] | undefined;

/** A blocking query's answer: the index is what the next one waits behind. */
export interface Indexed {
  readonly item: Item | undefined;
  readonly index: number;
}

export interface Consistency {
  /** Whether the leader must make sure that it still is the leader, by asking the majority. */
  readonly consistent: boolean;
}

interface RawItem {
  readonly Value: Buffer | string | null;
  readonly ModifyIndex: number;
}

/** Of Consul Enterprise. A transaction takes them from each of its operations, other requests from their query. */
export interface Scope {
  readonly namespace?: string | undefined;
  readonly partition?: string | undefined;
}

interface RequestOptions {
  readonly ctx: EventEmitter;
  readonly timeout: number;
}

/** Consul's key-value store as the plugin uses it: bytes in and out, StorageErrors, and one of several agents. */
export class ConsulClient {
  readonly #apis: readonly ConsulApi[];
  readonly #requestTimeoutMs: number;
  readonly #scope: { readonly Namespace?: string; readonly Partition?: string };
  readonly #pending = new Set<EventEmitter>();
  #current = 0;
  #closed = false;

  constructor(apis: readonly ConsulApi[], options: Scope & { readonly requestTimeoutMs: number }) {
    const { namespace, partition, requestTimeoutMs } = options;
    this.#apis = apis;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#scope = {
      ...(namespace !== undefined && { Namespace: namespace }),
      ...(partition !== undefined && { Partition: partition }),
    };
  }

  /**
   * A leader that has just started answers from what it has replayed so far, unless it must be consistent: that
   * a key is not there is believed only then.
   */
  async get(key: string, { consistent }: Consistency): Promise<Item | undefined> {
    const found = await this.#get(key, { buffer: true, ...(consistent && { consistent }) });
    if (found !== undefined || consistent) return toItem(found);
    return this.get(key, { consistent: true });
  }

  /** Without base64 and JSON on the way; for large values. */
  async getBytes(key: string): Promise<Buffer | undefined> {
    const found =
      (await this.#get(key, { raw: true })) ?? (await this.#get(key, { raw: true, consistent: true }));
    return found as Buffer | undefined;
  }

  /** Answers when the key's index is no longer `index`, after about `waitMs`, or when the signal ends it. */
  async wait(key: string, index: number, waitMs: number, signal: AbortSignal): Promise<Indexed> {
    // Consul adds up to a sixteenth of the wait, so that not all clients come back at once
    const timeout = waitMs + waitMs / 16 + this.#requestTimeoutMs / 2;
    let cancel = () => {};
    const answer = await this.#call((api, options) => {
      Object.assign(options.ctx, { includeResponse: true });
      cancel = () => options.ctx.emit("cancel");
      signal.addEventListener("abort", cancel, { once: true });
      return api.kv.get({ ...options, key, buffer: true, index, wait: `${waitMs}ms`, timeout });
    }).finally(() => signal.removeEventListener("abort", cancel));
    const [response, found] = answer as [{ headers: Record<string, string | undefined> }, unknown];
    return { item: toItem(found), index: Number(response.headers["x-consul-index"] ?? 0) };
  }

  async put(key: string, value: Buffer): Promise<void> {
    await this.#call((api, options) => api.kv.set({ ...options, key, value }));
  }

  /** Whether it was written: only if the key's modify index is `index`; 0 means that there is no such key. */
  async putIf(key: string, value: Buffer, index: number): Promise<boolean> {
    const written = await this.#call((api, options) => api.kv.set({ ...options, key, value, cas: index }));
    return written === true;
  }

  /** Removes every key that starts with `prefix`. */
  async removeAll(prefix: string): Promise<void> {
    await this.#call((api, options) => api.kv.del({ ...options, key: prefix, recurse: true }));
  }

  /** The distinct names below `prefix`, which ends with a slash: up to and with their next slash. */
  async folders(prefix: string): Promise<string[]> {
    try {
      const keys = await this.#call((api, options) =>
        api.kv.keys({ ...options, key: prefix, separator: "/" }),
      );
      return (keys as string[]).map((key) => key.slice(prefix.length).replace(/\/$/, ""));
    } catch (error) {
      if ((error as StorageError).cause && statusOf((error as StorageError).cause) === 404) return [];
      throw error;
    }
  }

  async transact(
    operations: readonly Operation[],
    how: { purpose: Purpose } & Partial<Consistency>,
  ): Promise<Answer> {
    const request = operations.map((operation) => ({
      KV: {
        Verb: operation.verb,
        Key: operation.key,
        ...this.#scope,
        ...(operation.verb === "cas" && {
          Value: operation.value.toString("base64"),
          Index: operation.index,
        }),
      },
    }));
    try {
      const answer = (await this.#call(
        (api, options) =>
          api.transaction.create(request, { ...options, ...(how.consistent && { consistent: true }) }),
        how.purpose,
      )) as { Results: { KV: RawItem }[] | null };
      const items = (answer.Results ?? []).map((result) => toItem(result.KV) as Item);
      // what a token may not read, Consul leaves out without a word
      if (items.length < operations.filter(({ verb }) => verb === "get").length)
        throw permissionDenied("Consul left keys out of its answer: the token may not read them all");
      return items;
    } catch (error) {
      const cause = (error as StorageError).cause;
      if (statusOf(cause) !== 409) throw error;
      const { body } = (cause as { response: { body?: { Errors?: { What: string }[] } } }).response;
      const denied = body?.Errors?.find(({ What }) => /permission denied/i.test(What));
      if (denied) throw permissionDenied(denied.What);
      return undefined;
    }
  }

  /** Every pending and later call rejects with `closed`. */
  close(): void {
    this.#closed = true;
    for (const ctx of this.#pending) ctx.emit("cancel");
    for (const api of this.#apis) api.destroy();
  }

  #get(key: string, how: { buffer?: true; raw?: true; consistent?: true }): Promise<unknown> {
    return this.#call((api, options) => api.kv.get({ ...options, ...how, key }));
  }

  async #call(
    run: (api: ConsulApi, options: RequestOptions) => Promise<unknown>,
    purpose: Purpose = "repeatable",
  ): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      if (this.#closed) throw closed();
      const index = this.#current;
      const ctx = new EventEmitter();
      this.#pending.add(ctx);
      try {
        return await run(this.#apis[index]!, { ctx, timeout: this.#requestTimeoutMs });
      } catch (error) {
        if (this.#closed) throw closed(error);
        // calls that fail together move on by one address, not by one each
        if (isServersFault(error) && this.#current === index) this.#current = (index + 1) % this.#apis.length;
        if (!wasNeverSent(error) || attempt >= this.#apis.length) throw fromConsul(error, purpose);
      } finally {
        this.#pending.delete(ctx);
      }
    }
  }
}

function toItem(found: unknown): Item | undefined {
  if (found === undefined || found === null) return undefined;
  const { Value, ModifyIndex } = found as RawItem;
  const value = typeof Value === "string" ? Buffer.from(Value, "base64") : (Value ?? Buffer.alloc(0));
  return { value, modifyIndex: ModifyIndex };
}

function statusOf(cause: unknown): number | undefined {
  return (cause as { response?: { statusCode: number } } | undefined)?.response?.statusCode;
}

function closed(cause?: unknown): StorageError {
  return new StorageError("closed", "the storage was closed", { cause });
}
