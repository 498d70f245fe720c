export { RESTORE_ENTRY, type Restored, refuseUnfinishedRestore, restoreSnapshot } from "./restore.js";
export { snapshotChunks } from "./stream.js";
