import type { SnapshotPlace } from "@etcd-adapter/core/storage/log/segments";
import type { ConsulClient } from "./client.js";
import type { Keys } from "./keys.js";

/** The key that names the newest snapshot; its version is the modify index. */
export function snapshotPlace(client: ConsulClient, { snapshot: key }: Keys): SnapshotPlace {
  return {
    name: key,

    async get() {
      const item = await client.get(key, { consistent: true });
      return item && { bytes: item.value, version: item.modifyIndex };
    },

    putIf: (bytes, version) => client.putIf(key, bytes, version ?? 0),
  };
}
