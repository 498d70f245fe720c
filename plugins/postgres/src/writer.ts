import { type Commit, type SinceQuery, StorageError } from "@etcd-adapter/core/storage";
import type { Lane, SinceRows } from "@etcd-adapter/core/storage/sql";
import type { Connection, Value } from "./connection.js";
import { isLockTimeout } from "./errors.js";
import { commitParameters } from "./parameters.js";
import { readSince } from "./reads.js";
import type { Statements } from "./statements.js";

/** A turn that no commit uses is over after so long: the others wait for it. */
const TURN_MS = 50;
/** Who held the lock for longer stands still: for so long nobody waits for it any more. */
const DISTRUST_MS = 10_000;

/** A transaction on the writer's connection that holds the writer lock. */
interface Turn {
  readonly connection: Connection;
  /** Until the lock is there, nothing runs out. */
  timer: NodeJS.Timeout | undefined;
}

/** Commits, one at a time, on a connection of their own. */
export class Writer {
  private turn: Turn | undefined;
  private distrustUntil = 0;

  constructor(
    private readonly lane: Lane<Connection>,
    private readonly sql: Statements,
  ) {}

  /** One round trip, with the lock or without. */
  async commit(commit: Commit): Promise<void> {
    const parameters = commitParameters(commit);
    const rows = await this.lane.use((connection) => {
      const isHeld = this.takeOver(connection);
      const committing = connection.call(this.sql.commit, parameters);
      // Sent before the commit is known to be good: if it is not, this is a rollback.
      return isHeld ? first([committing, connection.run("commit")]) : committing;
    });
    if (rows.length === 0) throw new StorageError("conflict", "another adapter has committed");
  }

  /** What the next commit is computed on, read under the lock. */
  async sinceInTurn(query: SinceQuery): Promise<SinceRows> {
    try {
      return await this.lane.use(async (connection) => {
        const held = this.turn?.connection === connection;
        if (!held && !this.trusts) return readSince(connection, this.sql, query);
        const opening = held ? [] : this.takeTurn(connection);
        const reading = readSince(connection, this.sql, query);
        const turn = this.keepTurn(connection);
        try {
          await Promise.all(opening);
          const answer = await reading;
          if (this.turn === turn) turn.timer = setTimeout(() => this.release(), TURN_MS);
          return answer;
        } catch (error) {
          reading.catch(() => {});
          this.release();
          throw error;
        }
      });
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      this.distrustUntil = performance.now() + DISTRUST_MS;
      return this.lane.use((connection) => readSince(connection, this.sql, query));
    }
  }

  release(): void {
    const { turn } = this;
    if (!turn) return;
    this.turn = undefined;
    clearTimeout(turn.timer);
    turn.connection.run("rollback").catch(() => {});
  }

  private get trusts(): boolean {
    return performance.now() > this.distrustUntil;
  }

  private takeTurn(connection: Connection): Promise<Value[][]>[] {
    return [connection.run("begin"), connection.call(this.sql.takeTurn)];
  }

  private keepTurn(connection: Connection): Turn {
    clearTimeout(this.turn?.timer);
    this.turn = { connection, timer: undefined };
    return this.turn;
  }

  /** Whether the connection holds the lock; the caller ends the transaction. */
  private takeOver(connection: Connection): boolean {
    const { turn } = this;
    if (!turn) return false;
    this.turn = undefined;
    clearTimeout(turn.timer);
    return turn.connection === connection;
  }
}

/** The first answer, once all are there. The first that fails tells why those after it do. */
async function first(answers: readonly Promise<Value[][]>[]): Promise<Value[][]> {
  const settled = await Promise.allSettled(answers);
  for (const answer of settled) if (answer.status === "rejected") throw answer.reason;
  return (settled[0] as PromiseFulfilledResult<Value[][]>).value;
}
