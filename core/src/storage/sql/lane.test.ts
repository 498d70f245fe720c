import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionDropped, Lane, type LaneClient, Lanes, NotConnected } from "./lane.js";

class Client implements LaneClient {
  ended = false;
  private fail: (cause: Error) => void = () => {};

  constructor(private readonly onLost: () => void) {}

  never(): Promise<never> {
    return new Promise((_, reject) => {
      this.fail = reject;
    });
  }

  destroy(cause: Error): void {
    this.onLost();
    this.fail(cause);
  }

  async end(): Promise<void> {
    this.ended = true;
  }
}

function connector() {
  const made: Client[] = [];
  const connect = async (onLost: () => void): Promise<Client> => {
    await sleep(1);
    made.push(new Client(onLost));
    return made.at(-1)!;
  };
  return { made, connect };
}

test("calls share a connection, which is made once", async () => {
  const { made, connect } = connector();
  const lane = new Lane(connect, 1_000);
  assert.deepEqual(await Promise.all([1, 2, 3].map((n) => lane.use(async () => n))), [1, 2, 3]);
  assert.equal(made.length, 1);
  await lane.close();
  assert.equal(made[0]!.ended, true);
  await assert.rejects(
    lane.use(async () => 1),
    NotConnected,
  );
});

test("a connection that does not answer is given up, and the next call makes another", async () => {
  const { made, connect } = connector();
  const lane = new Lane(connect, 20);
  await assert.rejects(
    lane.use((client) => client.never()),
    ConnectionDropped,
  );
  assert.equal(await lane.use(async () => 1), 1);
  assert.equal(made.length, 2);
  await lane.close();
});

test("what could not be sent is told apart", async () => {
  const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  const lane = new Lane<Client>(() => Promise.reject(refused), 1_000);
  await assert.rejects(
    lane.use(async () => 1),
    (error) => error instanceof NotConnected && error.cause === refused,
  );
});

test("calls that overlap are spread over as few connections as there are calls", async () => {
  const { made, connect } = connector();
  const lanes = new Lanes(3, connect, 1_000);
  await lanes.use(async () => 1);
  await lanes.use(async () => 1);
  assert.equal(made.length, 1);
  await Promise.all([1, 2, 3, 4, 5].map(() => lanes.use(() => sleep(10))));
  assert.equal(made.length, 3);
  await lanes.close();
});
