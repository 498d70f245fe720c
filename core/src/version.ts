/** The etcd whose behaviour clients meet; they switch features by it. */
export const ETCD_VERSION = "3.6.16";
export const ETCD_CLUSTER_VERSION = "3.6.0";

/** This program's own. */
export const ADAPTER_VERSION = "0.1.0";
