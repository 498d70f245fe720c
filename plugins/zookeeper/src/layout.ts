import { anchorEntry, encodePosition, START } from "@etcd-adapter/core/storage/log/segments";
import type { Connection, Operation } from "./connection.js";
import { Code, codeOf, UnknownCode } from "./errors.js";
import { type Paths, withAncestors } from "./paths.js";

const NOTHING = Buffer.alloc(0);

/**
 * Creates what is missing; any number of processes may do it at once. The head, the mark and the first anchor
 * come in one transaction: an anchor created apart could come back to life in a log that was trimmed.
 */
export async function initialise(connection: Connection, chroot: string, paths: Paths): Promise<void> {
  for (const path of [...withAncestors(chroot), paths.log, paths.parts, paths.snapshots, paths.barrier])
    await createUnlessThere(connection, path);
  const start = encodePosition(START);
  const operations: Operation[] = [
    { do: "create", path: paths.head, data: start },
    { do: "create", path: paths.trimmed, data: start },
    { do: "create", path: paths.segment(START.sequence), data: anchorEntry(START.bytes) },
  ];
  const failure = await connection.multi(operations);
  if (failure && failure.code !== Code.NODE_EXISTS) throw new UnknownCode(failure.code);
}

async function createUnlessThere(connection: Connection, path: string): Promise<void> {
  // asked first, since whoever may use an ancestor of the chroot need not have the right to create it
  if ((await connection.get(path)) !== undefined) return;
  await connection.create(path, NOTHING).catch((error) => {
    if (codeOf(error) !== Code.NODE_EXISTS) throw error;
  });
}
