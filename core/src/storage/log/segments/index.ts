/**
 * For log storages on backends whose entries are small (Consul: 512 KiB, ZooKeeper: 1 MiB): segments and
 * snapshots in pieces, checksums, and what may be removed when. All is done through two small interfaces,
 * PieceStore and SnapshotPlace; the append itself stays the plugin's.
 */
export { corrupt } from "../corrupt.js";
export { anchorEntry, type Entry, inlineCapacity, parseEntry } from "./entry.js";
export type { PieceStore } from "./groups.js";
export { sequenceName } from "./names.js";
export { type PartLimits, type PreparedEntry, SegmentParts } from "./parts.js";
export { encodePosition, type Position, parsePosition, START } from "./pointers.js";
export { type SnapshotPlace, Snapshots } from "./snapshots.js";
