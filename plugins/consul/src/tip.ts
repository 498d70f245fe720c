import { StorageError } from "@etcd-adapter/core/storage";
import { corrupt, type Position, parsePosition } from "@etcd-adapter/core/storage/log/segments";
import type { Consistency, ConsulClient, Item } from "./client.js";
import type { Keys } from "./keys.js";

/** The newest position, with the modify index by which its successor is written. */
export interface Head extends Position {
  readonly index: number;
}

/**
 * The newest head that this process has seen. Every append writes the head, so a head's sequence and its
 * modify index belong together for ever: one that is old makes an append fail, never succeed wrongly.
 */
export class Tip {
  readonly #client: ConsulClient;
  readonly #keys: Keys;
  #head: Head | undefined;

  constructor(client: ConsulClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  get sequence(): bigint {
    return this.#head?.sequence ?? -1n;
  }

  learn(head: Head): Head {
    if (head.sequence > this.sequence) this.#head = head;
    return head;
  }

  learnItem(item: Item | undefined): Head {
    if (item === undefined) throw corrupt(`${this.#keys.head}: the key is gone`);
    return this.learn({ ...parsePosition(item.value, this.#keys.head), index: item.modifyIndex });
  }

  async refresh(consistency: Consistency): Promise<Head> {
    return this.learnItem(await this.#client.get(this.#keys.head, consistency));
  }

  /** The head if its sequence is that one; otherwise the append behind it is a conflict. */
  async at(sequence: bigint): Promise<Head> {
    const head =
      this.#head !== undefined && this.#head.sequence >= sequence
        ? this.#head
        : await this.refresh({ consistent: true });
    if (head.sequence !== sequence) throw conflict(sequence + 1n);
    return head;
  }
}

export function conflict(sequence: bigint): StorageError {
  return new StorageError("conflict", `segment ${sequence} does not follow the newest one`);
}
