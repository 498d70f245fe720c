import { definePlugin, SEAM_VERSION } from "@etcd-adapter/core/storage";
import { ProcessLog, ProcessLogBackend } from "@etcd-adapter/core/storage/log";
import { z } from "zod";
import { conformance } from "./index.js";

/** The kit on itself, and on the core's LogBackedStorage over a log that is shared, durable and pushes. */
conformance({
  plugin: definePlugin({
    kind: "log",
    seam: SEAM_VERSION,
    name: "process-log",
    description: "A log inside this process",
    schemes: [],
    options: z.strictObject({ backend: z.instanceof(ProcessLogBackend) }),
    fromUrl: () => {
      throw new Error("It has no URL");
    },
    create: ({ backend }) => new ProcessLog(backend),
  }),
  backend: async () => ({ options: { backend: new ProcessLogBackend() } }),
});
