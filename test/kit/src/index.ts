export type { BackendPlace } from "./backend.js";
export { conformance } from "./conformance.js";
export { buildCommit, type Draft, del, type Operation, put } from "./draft.js";
export { decodeField, encodeField, type KeyValue, showField, splitFields } from "./key-value.js";
export { Model } from "./model.js";
export type { Subject } from "./scene.js";
