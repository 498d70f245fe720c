import { definePlugin, SEAM_VERSION } from "@etcd-adapter/core/storage";
import { memoryOptions, memoryOptionsFromUrl } from "./options.js";
import { MemoryStorage } from "./storage.js";

export default definePlugin({
  kind: "log",
  seam: SEAM_VERSION,
  name: "memory",
  description: "In the process's memory: fast, and gone when the process ends",
  schemes: ["memory"],
  options: memoryOptions,
  fromUrl: memoryOptionsFromUrl,
  create: () => new MemoryStorage(),
});
