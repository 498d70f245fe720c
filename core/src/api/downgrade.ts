import { EtcdError } from "../errors.js";
import {
  DowngradeRequest_DowngradeAction as Action,
  type DowngradeRequest,
} from "../gen/etcdserverpb/maintenance_pb.js";
import { ETCD_CLUSTER_VERSION } from "../version.js";

/** coreos/go-semver's notation, of which etcd accepts the first two numbers alone. */
const VERSION = /^(\d+)\.(\d+)(?:\.\d+(?:-[0-9A-Za-z.-]*)?(?:\+[0-9A-Za-z.-]*)?)?$/;

const [MAJOR, MINOR] = ETCD_CLUSTER_VERSION.split(".").map(Number) as [number, number];

/** The cluster's version, after the check; there is no older version that an adapter could be moved to. */
export function checkDowngrade({ action, version }: DowngradeRequest): string {
  switch (action) {
    case Action.VALIDATE:
      checkTarget(version);
      break;
    case Action.ENABLE:
      checkTarget(version);
      throw new EtcdError("notCapable");
    case Action.CANCEL:
      break;
    default:
      throw new EtcdError("unknownMethod");
  }
  return `${MAJOR}.${MINOR}`;
}

function checkTarget(version: string): void {
  const match = VERSION.exec(version);
  if (!match) throw new EtcdError("wrongDowngradeVersion");
  if (Number(match[1]) !== MAJOR || Number(match[2]) !== MINOR - 1) {
    throw new EtcdError("invalidDowngradeVersion");
  }
}
