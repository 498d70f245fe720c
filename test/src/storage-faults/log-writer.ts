import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isStorageError, type LogStorage } from "@etcd-adapter/core/storage";

const READ_BYTES = 1_000_000;
const RETRY_MS = 20;
/** Longer than any fault of the tests: by then a conflict must have shown its reason. */
const CONFLICT_MS = 30_000;

/** Appends as the core does: an outcome that is unknown is resolved by the log, never by guessing. */
export class LogWriter {
  readonly acknowledged = new Map<bigint, string>();
  readonly #storage: LogStorage;
  readonly #name: string;
  readonly #payload: Buffer;
  #last = 0n;
  #count = 0;

  constructor(storage: LogStorage, name: string, payloadBytes = 0) {
    this.#storage = storage;
    this.#name = name;
    this.#payload = Buffer.alloc(payloadBytes, name);
  }

  async run(until: () => boolean): Promise<void> {
    while (!until()) await this.#append(`${this.#name}-${this.#count++}`);
  }

  async #append(id: string): Promise<void> {
    for (;;) {
      const sequence = this.#last + 1n;
      if (await this.#isAppended(sequence, id)) {
        this.#last = sequence;
        this.acknowledged.set(sequence, id);
        return;
      }
    }
  }

  async #isAppended(sequence: bigint, id: string): Promise<boolean> {
    for (let uncertain = false; ; ) {
      try {
        await this.#storage.append(sequence, () => Buffer.concat([Buffer.from(`${id} `), this.#payload]));
        return true;
      } catch (error) {
        if (isStorageError(error, "conflict")) return this.#followTo(sequence, uncertain ? id : undefined);
        if (isStorageError(error, "uncertain")) uncertain = true;
        else if (!isStorageError(error, "unavailable")) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  /** Reads what others wrote; whether `sequence` is ours after all. */
  async #followTo(sequence: bigint, id: string | undefined): Promise<boolean> {
    let found = false;
    for (const start = performance.now(); ; ) {
      assert.ok(performance.now() - start < CONFLICT_MS, `no segment ${sequence} to conflict with`);
      try {
        for (const segment of await this.#storage.read(this.#last, READ_BYTES)) {
          if (segment.sequence === sequence && id !== undefined) found = idOf(segment.bytes) === id;
          this.#last = segment.sequence;
          if (found) return true;
        }
        if (this.#last >= sequence) return false;
      } catch (error) {
        if (!isStorageError(error, "unavailable")) throw error;
        await sleep(RETRY_MS);
      }
    }
  }
}

/** Every acknowledged append is in the log once, at its place, and the log has no gaps. */
export async function assertLog(storage: LogStorage, writers: readonly LogWriter[]): Promise<number> {
  const last = await storage.last();
  const ids: string[] = [];
  while (BigInt(ids.length) < last)
    for (const segment of await storage.read(BigInt(ids.length), READ_BYTES)) {
      assert.equal(segment.sequence, BigInt(ids.length + 1));
      ids.push(idOf(segment.bytes));
    }
  assert.equal(new Set(ids).size, ids.length, "no append is there twice");
  for (const { acknowledged } of writers)
    for (const [sequence, id] of acknowledged) assert.equal(ids[Number(sequence) - 1], id);
  return ids.length;
}

function idOf(segment: Buffer): string {
  return segment.toString("latin1", 0, segment.indexOf(" "));
}
