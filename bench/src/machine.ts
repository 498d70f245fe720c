import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { spreadOf } from "./figures.js";

/** What the figures depend on, in one line; the servers' data is in the folder for temporary files. */
export function machineLine(): string {
  const processors = cpus();
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${processors.length} cores (${processors[0]?.model.trim()}), ${memory} GiB, fsync of 4 KiB in ${fsyncMs().toFixed(2)} ms, Node ${process.versions.node}`;
}

function fsyncMs(): number {
  const file = join(tmpdir(), `etcd-adapter-fsync-${process.pid}`);
  const descriptor = openSync(file, "w");
  try {
    const block = Buffer.alloc(4_096, 1);
    const times = Array.from({ length: 51 }, () => {
      const begin = performance.now();
      writeSync(descriptor, block);
      fsyncSync(descriptor);
      return performance.now() - begin;
    });
    return spreadOf(times)!.median;
  } finally {
    closeSync(descriptor);
    rmSync(file, { force: true });
  }
}
