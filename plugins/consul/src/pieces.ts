import type { PieceStore } from "@etcd-adapter/core/storage/log/segments";
import type { ConsulClient } from "./client.js";

/** Groups of pieces below one parent; a key needs no folder, and its name is all that makes the group. */
export class Pieces implements PieceStore {
  readonly #client: ConsulClient;
  readonly #parent: string;

  /** `parent` ends with a slash. */
  constructor(client: ConsulClient, parent: string) {
    this.#client = client;
    this.#parent = parent;
  }

  put(group: string, piece: string, bytes: Buffer): Promise<void> {
    return this.#client.put(this.#folder(group) + piece, bytes);
  }

  get(group: string, piece: string): Promise<Buffer | undefined> {
    return this.#client.getBytes(this.#folder(group) + piece);
  }

  remove(group: string): Promise<void> {
    return this.#client.removeAll(this.#folder(group));
  }

  list(): Promise<string[]> {
    return this.#client.folders(this.#parent);
  }

  /** Ends with a slash, so that no other group's name starts with it. */
  #folder(group: string): string {
    return `${this.#parent}${group}/`;
  }
}
