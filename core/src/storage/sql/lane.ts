/** What a lane needs of a database's client. */
export interface LaneClient {
  /** Drops the connection now; whatever waits for an answer on it rejects. */
  destroy(cause: Error): void;
  /** Ends the connection politely. */
  end(): Promise<void>;
}

/** Connects, and calls `onLost` once when the connection is of no use any more. */
export type Connect<Client> = (onLost: () => void) => Promise<Client>;

/** No connection could be made, so nothing reached the database. */
export class NotConnected extends Error {}

/** The connection was given up before the answer came; what became of the request is unknown. */
export class ConnectionDropped extends Error {}

/** How long calls under way may go on when the storage is closed. */
const CLOSE_GRACE_MS = 3_000;

/**
 * One connection, made when it is first needed and again after it was lost. A call fails with its connection:
 * whether to repeat it is for the caller to decide.
 */
export class Lane<Client extends LaneClient> {
  /** Calls under way. */
  active = 0;
  private client: Client | undefined;
  private connecting: Promise<Client> | undefined;
  private closed = false;
  private idle: (() => void) | undefined;

  constructor(
    private readonly connect: Connect<Client>,
    private readonly timeoutMs: number,
  ) {}

  get isConnected(): boolean {
    return this.client !== undefined;
  }

  /**
   * What `work` sends before it first waits reaches the database in one piece, with nobody else's requests in between,
   * if the connection was there already; `work` may be run much later than it was given.
   */
  async use<T>(work: (client: Client) => Promise<T>, timeoutMs = this.timeoutMs): Promise<T> {
    if (this.closed) throw new NotConnected("the storage is closed");
    this.active++;
    try {
      const client = this.client ?? (await this.connected());
      const timer = setTimeout(() => {
        client.destroy(new ConnectionDropped(`the database did not answer within ${timeoutMs} ms`));
      }, timeoutMs);
      try {
        return await work(client);
      } finally {
        clearTimeout(timer);
      }
    } finally {
      this.active--;
      if (this.active === 0) this.idle?.();
    }
  }

  /** Gives the connection up, so that the next call makes a new one, perhaps to another server. */
  drop(cause: Error): void {
    this.client?.destroy(cause);
    this.client = undefined;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.active > 0) await this.untilIdle();
    const { client } = this;
    this.client = undefined;
    if (!client) return;
    if (this.active > 0) client.destroy(new ConnectionDropped("the storage is closed"));
    else await client.end();
  }

  private connected(): Promise<Client> {
    this.connecting ??= this.make().finally(() => {
      this.connecting = undefined;
    });
    return this.connecting;
  }

  private async make(): Promise<Client> {
    let lost = false;
    let made: Client | undefined;
    try {
      const client = await this.connect(() => {
        lost = true;
        if (made && this.client === made) this.client = undefined;
      });
      made = client;
      if (lost) throw new Error("the connection was lost while it was made");
      this.client = client;
      return client;
    } catch (error) {
      if (error instanceof NotConnected) throw error;
      throw new NotConnected(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  private untilIdle(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_GRACE_MS);
      this.idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Several lanes for calls that may overlap. */
export class Lanes<Client extends LaneClient> {
  private readonly lanes: readonly Lane<Client>[];

  constructor(size: number, connect: Connect<Client>, timeoutMs: number) {
    this.lanes = Array.from({ length: size }, () => new Lane(connect, timeoutMs));
  }

  use<T>(work: (client: Client) => Promise<T>, timeoutMs?: number): Promise<T> {
    let best = this.lanes[0]!;
    for (const lane of this.lanes) {
      if (lane.active < best.active) best = lane;
      else if (lane.active === best.active && lane.isConnected && !best.isConnected) best = lane;
    }
    return best.use(work, timeoutMs);
  }

  drop(cause: Error): void {
    for (const lane of this.lanes) lane.drop(cause);
  }

  async close(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.close()));
  }
}
