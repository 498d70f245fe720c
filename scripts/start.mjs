/** `npm start [-- OPTIONS]`: the adapter, on SQLite unless told otherwise. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./prepare.mjs";

prepare();
await import(pathToFileURL(join(root, "core", "dist", "cli", "main.js")).href);
