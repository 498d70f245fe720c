import { definePlugin, SEAM_VERSION } from "@etcd-adapter/core/storage";
import { type ConsulOptions, consulOptions, optionsFromUrl } from "./options.js";
import { ConsulStorage } from "./storage.js";

export default definePlugin<ConsulOptions>({
  seam: SEAM_VERSION,
  kind: "log",
  name: "consul",
  description: "Consul's key-value store: small data, several adapters, pushed changes",
  schemes: ["consul", "consuls"],
  options: consulOptions,
  fromUrl: optionsFromUrl,
  create: (options) => new ConsulStorage(options),
});
