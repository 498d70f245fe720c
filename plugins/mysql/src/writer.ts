import { type Commit, type SinceQuery, StorageError } from "@etcd-adapter/core/storage";
import { type Lane, NotConnected, type SinceRows } from "@etcd-adapter/core/storage/sql";
import { AnswerTooLarge, type Connection, type Row } from "./connection.js";
import { isDeadlock, isDuplicate, isLockTimeout, isRefused } from "./errors.js";
import { MOST_PAGE_BYTES } from "./page-size.js";
import { type Reads, sinceRows } from "./reads.js";
import type { Server } from "./server.js";
import type { Statements } from "./statements.js";

/** A turn that no commit uses is over after so long: the others wait for it. */
const TURN_MS = 50;
/** Who held the lock for longer stands still: for so long nobody waits for it any more. */
const DISTRUST_MS = 10_000;
/** A commit that the database gave up in favour of another transaction is tried again so often. */
const ATTEMPTS = 4;
/** What is between a packet's statements, and a margin. */
const PACKET_MARGIN_BYTES = 64 << 10;

interface Turn {
  readonly connection: Connection;
  timer: NodeJS.Timeout;
}

/** Commits, one at a time, on a connection of their own. */
export class Writer {
  private turn: Turn | undefined;
  private distrustUntil = 0;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly lane: Lane<Connection>,
    private readonly sql: Statements,
    private readonly reads: Reads,
    private readonly server: () => Server,
  ) {}

  commit(commit: Commit): Promise<void> {
    return this.alone(() => this.lane.use((connection) => this.tryCommit(connection, commit)));
  }

  /** What the next commit is computed on, read under the lock. */
  sinceInTurn(query: SinceQuery): Promise<SinceRows> {
    return this.alone(() => this.lane.use((connection) => this.readInTurn(connection, query)));
  }

  release(): void {
    void this.alone(async () => {
      const { turn } = this;
      if (!turn) return;
      this.turn = undefined;
      clearTimeout(turn.timer);
      await turn.connection.run(["rollback"]).catch(() => {});
    });
  }

  private async readInTurn(connection: Connection, query: SinceQuery): Promise<SinceRows> {
    const held = this.turn?.connection === connection;
    if (!held && !this.trusts) return this.reads.since(query);
    const opening = held ? [] : [...this.begin("pessimistic"), this.sql.takeTurn];
    const bounded = this.reads.bounded(query);
    try {
      // Read committed: the last statement sees what the one before it waited for.
      const answers = await connection.run([...opening, this.sql.since(bounded)], MOST_PAGE_BYTES);
      this.keepTurn(connection);
      return sinceRows(answers.at(-1)!, bounded);
    } catch (error) {
      this.release();
      if (error instanceof AnswerTooLarge) {
        this.reads.wasTooLarge(bounded.limit);
        return this.reads.since(query);
      }
      connection.run(["rollback"]).catch(() => {});
      if (!isLockTimeout(error)) throw error;
      this.distrustUntil = performance.now() + DISTRUST_MS;
      return this.reads.since(query);
    }
  }

  private async tryCommit(connection: Connection, commit: Commit): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const opening = this.takeOver(connection) ? [] : this.begin("optimistic");
      try {
        return await this.send(connection, opening, commit);
      } catch (error) {
        if (error instanceof NotConnected) throw error;
        connection.run(["rollback"]).catch(() => {});
        if (isRefused(error, commit)) throw conflict(error);
        if (!isDeadlock(error) && !isDuplicate(error)) throw error;
        const head = await this.reads.head();
        if (head.sequence !== commit.base.sequence) throw conflict(error);
        // What was rolled back for the sake of another transaction, not a commit, is sent again.
        if (isDuplicate(error)) throw contradiction(error);
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** In one packet, if it is not too large for one. */
  private async send(connection: Connection, opening: readonly string[], commit: Commit): Promise<void> {
    const { sql } = this;
    const changes = [...sql.changes(commit), ...sql.registryWrites(commit)];
    const packets = inPackets(
      [...opening, sql.compareAndSet(commit), ...changes, "commit"],
      this.packetBytes,
    );
    for (const packet of packets.slice(0, -1)) await beforeTheEnd(connection.run(packet));
    await connection.run(packets.at(-1)!);
  }

  private get packetBytes(): number {
    return this.server().maxPacketBytes - PACKET_MARGIN_BYTES;
  }

  /**
   * `begin` alone would commit what an earlier transaction left behind. TiDB checks an optimistic transaction when it
   * commits, which saves a round trip to its storage for every lock.
   */
  private begin(kind: "optimistic" | "pessimistic"): string[] {
    return ["rollback", this.server().family === "TiDB" ? `begin ${kind}` : "begin"];
  }

  private get trusts(): boolean {
    return performance.now() > this.distrustUntil;
  }

  private keepTurn(connection: Connection): void {
    if (this.turn) clearTimeout(this.turn.timer);
    const timer = setTimeout(() => this.release(), TURN_MS);
    this.turn = { connection, timer };
  }

  /** Whether the connection holds the lock; the caller ends the transaction. */
  private takeOver(connection: Connection): boolean {
    const { turn } = this;
    if (!turn) return false;
    this.turn = undefined;
    clearTimeout(turn.timer);
    return turn.connection === connection;
  }

  /** One transaction at a time: a large one takes several packets, and nothing may come between. */
  private alone<T>(work: () => Promise<T>): Promise<T> {
    const answer = this.last.then(work);
    this.last = answer.catch(() => {});
    return answer;
  }
}

function conflict(cause: unknown): StorageError {
  return new StorageError("conflict", "another adapter has committed", { cause });
}

function contradiction(cause: unknown): StorageError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new StorageError("corrupt", `the log holds what no commit has written: ${text}`, { cause });
}

function inPackets(statements: readonly string[], maxBytes: number): string[][] {
  const packets: string[][] = [[]];
  let length = 0;
  for (const statement of statements) {
    // A statement is ASCII, but for nothing: bytes are hexadecimal.
    if (statement.length > maxBytes) {
      throw new StorageError(
        "internal",
        `a change of ${Math.round(statement.length / 2)} bytes does not fit into the server's max_allowed_packet: raise that`,
      );
    }
    if (length + statement.length > maxBytes) {
      packets.push([]);
      length = 0;
    }
    packets.at(-1)!.push(statement);
    length += statement.length + 2;
  }
  return packets;
}

/** A connection that is lost before the last packet leaves nothing behind. */
async function beforeTheEnd(answer: Promise<Row[][]>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    const isAnswer = error instanceof Error && "errno" in error && "sqlState" in error;
    if (isAnswer) throw error;
    throw new NotConnected(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
