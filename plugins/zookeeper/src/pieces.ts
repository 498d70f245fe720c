import { StorageError } from "@etcd-adapter/core/storage";
import type { PieceStore } from "@etcd-adapter/core/storage/log/segments";
import type { Connection, Operation } from "./connection.js";
import { Code, codeOf } from "./errors.js";
import type { Session } from "./session.js";

const REMOVALS = 100;
const NOTHING = Buffer.alloc(0);

/** Groups of pieces below one parent: a znode for the group, and one below it for each piece. */
export class Pieces implements PieceStore {
  readonly #session: Session;
  readonly #parent: string;

  constructor(session: Session, parent: string) {
    this.#session = session;
    this.#parent = parent;
  }

  begin(group: string): Promise<void> {
    return this.#run((connection) => connection.create(this.#folder(group), NOTHING));
  }

  async put(group: string, piece: string, bytes: Buffer): Promise<void> {
    const path = `${this.#folder(group)}/${piece}`;
    await this.#run((connection) => connection.create(path, bytes)).catch((error) => {
      if (!isGone(error)) throw error;
      throw new StorageError("conflict", `${group} was swept away: its sequence is taken`, { cause: error });
    });
  }

  get(group: string, piece: string): Promise<Buffer | undefined> {
    const path = `${this.#folder(group)}/${piece}`;
    return this.#run(async (connection) => (await connection.get(path))?.data);
  }

  async remove(group: string): Promise<void> {
    const folder = this.#folder(group);
    const names = await this.#run((connection) => connection.children(folder)).catch((error) => {
      if (!isGone(error)) throw error;
    });
    if (names === undefined) return;
    for (let start = 0; start < names.length; start += REMOVALS) {
      const paths = names.slice(start, start + REMOVALS).map((name) => `${folder}/${name}`);
      await this.#removeAll(paths);
    }
    // a writer that does not know yet that it is too late may have added one: then the next sweep has it
    await this.#removeAll([folder]);
  }

  list(): Promise<string[]> {
    return this.#run((connection) => connection.children(this.#parent));
  }

  async #removeAll(paths: readonly string[]): Promise<void> {
    const operations = paths.map((path): Operation => ({ do: "remove", path }));
    const failure = await this.#run((connection) => connection.multi(operations));
    if (failure?.code !== Code.NO_NODE || paths.length === 1) return;
    for (const path of paths) await this.#removeAll([path]);
  }

  #folder(group: string): string {
    return `${this.#parent}/${group}`;
  }

  #run<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#session.run("repeatable", use);
  }
}

function isGone(error: unknown): boolean {
  return codeOf((error as Error).cause) === Code.NO_NODE;
}
