/** `npm run soak [-- OPTIONS]`: backends under faults for as long as one likes, and a report; --help tells more. */
import { spawn } from "node:child_process";
import { totalmem } from "node:os";
import { join } from "node:path";
import { prepare, root } from "./prepare.mjs";

prepare();
// The history of hours, whole, until it is checked.
const heapMegabytes = Math.floor(totalmem() / 2 ** 21);
const program = join(root, "test", "dist", "histories", "soak.js");
const soak = spawn(
  process.execPath,
  [`--max-old-space-size=${heapMegabytes}`, program, ...process.argv.slice(2)],
  {
    stdio: "inherit",
  },
);
// Ctrl-C reaches it, too: it has servers to end.
process.on("SIGINT", () => {});
soak.on("exit", (code) => process.exit(code ?? 1));
