import { writeSync } from "node:fs";
import type { DestinationStream } from "pino";

const STDOUT = 1;
const RETRY_MS = 10;
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Standard output, line by line. What can't be written (a full disk, a closed pipe) is lost; the adapter goes on. */
export const logOutput: DestinationStream = {
  write(text) {
    let rest = Buffer.from(text);
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(STDOUT, rest));
      } catch (error) {
        // A pipe whose reader is slow.
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
        Atomics.wait(cell, 0, 0, RETRY_MS);
      }
    }
  },
};
