import { buildCommit, Model, put } from "@etcd-adapter/plugin-kit";
import { createStorage } from "./place.js";

/*
 * A program for the tests that kill it: opens the file that its first argument names, says "open", then commits values of
 * so many bytes without end and prints the sequence of each commit that was acknowledged.
 */

const storage = createStorage(process.argv[2]!);
await storage.open();
process.stdout.write("open\n");
const model = new Model();
const value = "x".repeat(Number(process.argv[3]));
for (let n = 0; ; n++) {
  const commit = buildCommit(model, { revisions: [[put(`k${n % 7}`, `${n}${value}`)]] });
  await storage.commit(commit);
  model.apply(commit);
  process.stdout.write(`${commit.head.sequence}\n`);
}
