/** `npm run bench [-- FILTER … OPTIONS]`: etcd, kine and the adapter under the same load; see docs/performance.md. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./prepare.mjs";

prepare();
await import(pathToFileURL(join(root, "bench", "dist", "cli.js")).href);
