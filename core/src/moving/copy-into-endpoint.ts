import { STATE_ENTRY } from "../auth/entries.js";
import { type Copying, refuseOtherData, snapshotOf, verifyRows } from "./copying.js";
import type { Endpoint } from "./endpoint.js";
import { EndpointTarget } from "./endpoint-target.js";
import { LiveRows } from "./live-rows.js";
import { grouped } from "./progress.js";
import { compare, reconcile } from "./reconcile.js";

/** Into a running etcd, which makes revisions itself: keys, values and leases. */
export async function copyIntoEndpoint(endpoint: Endpoint, copying: Copying): Promise<readonly string[]> {
  const { source, work, progress, overwrite } = copying;
  const target = new EndpointTarget(endpoint);
  const isEmpty = (await target.rows().next()).done === true;
  const snapshot = await snapshotOf(copying, !isEmpty);
  const wanted = await LiveRows.of(snapshot, work.sorting("live"));
  try {
    const found = await compare(wanted, target, progress);
    if (found.other > 0 && !overwrite) await refuseOtherData(target, found, work);
    const changed = found.missing + found.other > 0;
    if (changed) await reconcile(wanted, target, progress);
    const verified = await verifyRows(wanted, target, false, progress);
    if (!changed) return [`nothing to do: ${target.label} holds the same as ${source.label}`, verified];
    const counted = `${grouped(found.missing)} keys and leases that were missing, ${grouped(found.other)} that differed`;
    return [
      `copied from ${source.label} to ${target.label}: ${counted}`,
      "not kept, since a running etcd makes them itself: revisions and versions, and history",
      ...([...wanted.access.keys()].some((key) => key !== STATE_ENTRY)
        ? ["not copied: users and roles, since a running etcd takes no hashes of passwords"]
        : []),
      verified,
    ];
  } finally {
    await wanted.dispose();
    await target.close();
  }
}
