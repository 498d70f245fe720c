/** `npm start [-- OPTIONS]`: the adapter, on SQLite unless told otherwise. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./prepare.mjs";

const parent = process.ppid;
prepare();
await import(pathToFileURL(join(root, "core", "dist", "cli", "main.js")).href);

// npm's shell passes no signal on: what `npm start` has started ends with it.
const watch = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(watch);
  process.kill(process.pid, "SIGTERM");
}, 500);
watch.unref();
