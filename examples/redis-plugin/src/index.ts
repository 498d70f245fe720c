import { definePlugin } from "@etcd-adapter/core/storage";
import { optionsFromUrl, type RedisOptions, redisOptions } from "./options.js";
import { createStorage } from "./storage.js";

export default definePlugin<RedisOptions>({
  // a literal and no import: it says which contract this code was written for, not which core it found
  seam: 2,
  kind: "log",
  name: "redis-log",
  description: "A Redis stream: small data, several adapters, pushed changes",
  schemes: ["redis-log", "rediss-log"],
  options: redisOptions,
  fromUrl: optionsFromUrl,
  create: (options, { logger }) => createStorage(options, logger),
});
