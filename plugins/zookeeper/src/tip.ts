import { StorageError } from "@etcd-adapter/core/storage";
import { corrupt, type Position, parsePosition } from "@etcd-adapter/core/storage/log/segments";
import type { Paths } from "./paths.js";
import type { Session } from "./session.js";

const NOTHING = Buffer.alloc(0);

/** The newest position that this process has seen. A position never changes, so an old one is not wrong. */
export class Tip {
  readonly #session: Session;
  readonly #paths: Paths;
  #position: Position | undefined;

  constructor(session: Session, paths: Paths) {
    this.#session = session;
    this.#paths = paths;
  }

  get sequence(): bigint {
    return this.#position?.sequence ?? -1n;
  }

  learn(position: Position): Position {
    if (position.sequence > this.sequence) this.#position = position;
    return position;
  }

  learnData(data: Buffer | undefined): Position {
    if (data === undefined) throw corrupt(`${this.#paths.head}: the znode is gone`);
    return this.learn(parsePosition(data, this.#paths.head));
  }

  /** What the server that we are connected to knows, which may lag behind. */
  async refresh(): Promise<Position> {
    const head = await this.#session.run("repeatable", (connection) => connection.get(this.#paths.head));
    return this.learnData(head?.data);
  }

  /**
   * What the ensemble knows. A write is the only request that a majority confirms; the client library has no
   * `sync`, and even that one is answered by a leader that was deposed and does not know it yet. Requests of
   * one connection are answered in order, so the read that is sent behind the write sees what the write saw.
   */
  async confirm(): Promise<Position> {
    const [, head] = await this.#session.run("repeatable", (connection) =>
      Promise.all([connection.set(this.#paths.barrier, NOTHING), connection.get(this.#paths.head)]),
    );
    return this.learnData(head?.data);
  }

  /** The position if its sequence is that one; otherwise the append behind it is a conflict. */
  async at(sequence: bigint): Promise<Position> {
    let position = this.#position;
    if (position === undefined || position.sequence < sequence) position = await this.refresh();
    if (position.sequence < sequence) position = await this.confirm();
    if (position.sequence !== sequence) throw conflict(sequence + 1n);
    return position;
  }
}

export function conflict(sequence: bigint): StorageError {
  return new StorageError("conflict", `segment ${sequence} does not follow the newest one`);
}
