import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { QueryStorage } from "@etcd-adapter/core/storage";
import { put } from "./draft.js";
import type { Define } from "./scene.js";

/** A push that takes longer is of no use: the core would poll more often. */
const PUSH_MAX_MS = 5_000;

export function subscribeTests(define: Define): void {
  define("a move of the head is pushed, whoever made it", async (scene) => {
    const { storage } = scene;
    if (storage.subscribe === undefined) return scene.t.skip("the storage has no subscribe");
    const moves = new Moves();
    const end = await storage.subscribe(moves);
    await moves.expectWithin(() => scene.write([put("a", "1")]));
    await moves.expectWithin(() => scene.register({ r: "1" }));
    if (storage.shared) {
      const other = await scene.backend.open();
      for (let n = 0; n < 3; n++) {
        await other.head();
        await moves.expectWithin(() => scene.commit({ revisions: [[put("a", `${n}`)]] }, other));
        assert.deepEqual(await storage.head(), scene.model.head);
      }
    }
    await end();
  });

  define("the newest of many quick moves is pushed", async (scene) => {
    const { storage } = scene;
    if (storage.subscribe === undefined) return scene.t.skip("the storage has no subscribe");
    const moves = new Moves();
    let seen = 0n;
    moves.react = async () => {
      const { sequence } = await storage.head();
      if (sequence > seen) seen = sequence;
    };
    const end = await storage.subscribe(moves);
    const writer: QueryStorage = storage.shared ? await scene.backend.open() : storage;
    for (let n = 0; n < 30; n++) await scene.commit({ revisions: [[put("a", `${n}`)]] }, writer);
    const deadline = Date.now() + PUSH_MAX_MS;
    while (seen < scene.model.head.sequence && Date.now() < deadline) await pause(10);
    assert.equal(seen, scene.model.head.sequence, "no push came behind the newest move");
    await end();
    await moves.settled();
  });

  define("an ended subscription pushes no more", async (scene) => {
    if (scene.storage.subscribe === undefined) return scene.t.skip("the storage has no subscribe");
    const moves = new Moves();
    const end = await scene.storage.subscribe(moves);
    await moves.expectWithin(() => scene.write([put("a", "1")]));
    await end();
    await pause(100);
    const before = moves.count;
    await scene.write([put("a", "2")]);
    await pause(300);
    assert.equal(moves.count, before);
  });
}

class Moves {
  count = 0;
  react: () => Promise<void> = async () => undefined;
  private readonly reactions: Promise<void>[] = [];

  onMoved(): void {
    this.count++;
    this.reactions.push(this.react());
  }

  /** What the moves have set off has ended, and well. */
  async settled(): Promise<void> {
    await Promise.all(this.reactions);
  }

  onLost(cause: unknown): void {
    throw new Error("The push was lost on a healthy backend", { cause });
  }

  async expectWithin(move: () => Promise<unknown>): Promise<void> {
    const before = this.count;
    await move();
    const deadline = Date.now() + PUSH_MAX_MS;
    while (this.count === before && Date.now() < deadline) await pause(5);
    assert.ok(this.count > before, `nothing was pushed within ${PUSH_MAX_MS} ms`);
  }
}
