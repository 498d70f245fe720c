import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../servers/folders.js";
import { findProgram, requireProgram } from "../servers/programs.js";

/** Debian's library, which a process of another C library's kind could not load. */
const LIBRARY = "/usr/$LIB/faketime/libfaketime.so.1";

/** A process's wall clock under the test's control, by libfaketime; its monotonic clock is left alone. */
export class WallClock {
  private readonly file = join(temporaryFolder("clock"), "offset");

  constructor() {
    requireProgram("faketime", "faketime");
    this.set(0);
  }

  static readonly available = findProgram("faketime") !== undefined;

  /** For the process's environment. */
  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  /** Within a second the clock is so far off. */
  set(offsetSeconds: number): void {
    writeFileSync(this.file, `${offsetSeconds < 0 ? "" : "+"}${offsetSeconds}s\n`);
  }
}
