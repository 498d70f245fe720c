import { randomBytes } from "node:crypto";
import type { Store } from "../mvcc/store.js";

/** In the registry; a restored snapshot starts without it, so that its clients meet a new cluster. */
export const CLUSTER_ID_ENTRY = "cluster/id";

/** The backend's cluster id, made by the first adapter that ever used it. */
export function clusterIdOf(store: Store): Promise<bigint> {
  return store.committer.propose({
    keys: [],
    bytes: 8,
    evaluate: (draft) => {
      const known = draft.registryGet(CLUSTER_ID_ENTRY);
      if (known) return known.readBigUInt64BE(0);
      const chosen = randomBytes(8);
      draft.registryPut(CLUSTER_ID_ENTRY, chosen);
      return chosen.readBigUInt64BE(0);
    },
  });
}
