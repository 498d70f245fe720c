import assert from "node:assert/strict";
import { test } from "node:test";
import type { Commit, Head, LoggedRevision, News, QueryStorage } from "../storage/index.js";
import { Follower } from "./follower.js";
import { bytes } from "./testing.js";

const head = (sequence: bigint, revision: bigint, compacted = -1n): Head => ({
  sequence,
  revision,
  compacted,
});

const written = (revision: bigint, key: string, value: string): LoggedRevision => ({
  revision,
  changes: [{ key: bytes(key), field: bytes(value), deleted: false, previous: 0n, lease: 0n, sub: 0 }],
});

const news = (at: Head, revisions: readonly LoggedRevision[], through = at.revision): News => ({
  head: at,
  changes: { revisions, through },
  registry: { complete: false, entries: [] },
  fields: [],
});

/** A follower that knows the key "a", and is then told what a test says. */
async function followerTold(
  ...answers: News[]
): Promise<{ follower: Follower; reads: () => number; told: News[] }> {
  const told = [news(head(0n, 1n), []), ...answers];
  let reads = -1;
  const storage = {
    since: async () => {
      reads++;
      return told.shift() ?? news(head(9n, 9n), []);
    },
  } as unknown as QueryStorage;
  const follower = new Follower(storage);
  await follower.start();
  const commit: Commit = {
    id: Buffer.alloc(16),
    base: head(0n, 1n),
    head: head(1n, 2n),
    revisions: [],
    registry: [],
  };
  follower.applyOwn(commit, [written(2n, "a", "1")]);
  assert.deepEqual(follower.keys.get(bytes("a")), { field: bytes("1") });
  return { follower, reads: () => reads, told };
}

test("a key that may have been deleted below a compaction is not known any more", async () => {
  const { follower } = await followerTold(news(head(4n, 5n, 5n), [written(5n, "b", "1")]));
  await follower.catchUp();
  assert.equal(follower.keys.has(bytes("a")), false);
});

test("a key that others did not touch is known still, and one that they wrote is known as they wrote it", async () => {
  const { follower } = await followerTold(
    news(head(4n, 5n, 2n), [written(3n, "b", "1")]),
    news(head(6n, 6n, 2n), [written(6n, "a", "2")]),
  );
  await follower.catchUp();
  assert.deepEqual(follower.keys.get(bytes("a")), { field: bytes("1") });
  await follower.catchUp();
  assert.deepEqual(follower.keys.get(bytes("a")), { field: bytes("2") });
});

test("a push of what is known, or of the commit under way, reads nothing; one of something else does, at the latest afterwards", async () => {
  const { follower, reads } = await followerTold();
  await follower.moved(1n);
  const commit: Commit = {
    id: Buffer.alloc(16),
    base: head(1n, 2n),
    head: head(2n, 3n),
    revisions: [],
    registry: [],
  };
  follower.sending(commit);
  await follower.moved(2n);
  follower.applyOwn(commit, [written(3n, "a", "2")]);
  follower.settled();
  assert.equal(reads(), 0);

  follower.sending({ ...commit, base: head(2n, 3n), head: head(3n, 4n) });
  await follower.moved(3n);
  assert.equal(reads(), 0);
  follower.settled();
  assert.equal(reads(), 1, "it was somebody else's commit");
  await follower.moved(11n);
  assert.ok(reads() > 1);
});
