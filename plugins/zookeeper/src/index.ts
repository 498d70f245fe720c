import { definePlugin, SEAM_VERSION } from "@etcd-adapter/core/storage";
import { optionsFromUrl, type ZooKeeperOptions, zookeeperOptions } from "./options.js";
import { ZooKeeperStorage } from "./storage.js";

export default definePlugin<ZooKeeperOptions>({
  seam: SEAM_VERSION,
  kind: "log",
  name: "zookeeper",
  description: "ZooKeeper: small data, several adapters, pushed changes",
  // the second is served only to say that there is no TLS
  schemes: ["zookeeper", "zookeepers"],
  options: zookeeperOptions,
  fromUrl: optionsFromUrl,
  create: (options) => new ZooKeeperStorage(options),
});
