import { conformance } from "@etcd-adapter/plugin-kit";
import memory from "./index.js";

conformance({ plugin: memory, backend: async () => ({ url: "memory:" }) });
