import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conformance } from "@etcd-adapter/plugin-kit";
import sqlite from "./index.js";

conformance({
  plugin: sqlite,
  backend: async () => {
    const folder = await mkdtemp(join(tmpdir(), "etcd-adapter-sqlite-"));
    return {
      url: `sqlite:${join(folder, "test.db")}`,
      remove: () => rm(folder, { recursive: true }),
    };
  },
});
