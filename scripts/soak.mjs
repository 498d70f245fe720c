/** `npm run soak [-- OPTIONS]`: backends under faults for as long as one likes, and a report; --help tells more. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./prepare.mjs";

prepare();
await import(pathToFileURL(join(root, "test", "dist", "histories", "soak.js")).href);
