export * from "./errors.js";
export * from "./log-storage.js";
export * from "./model.js";
export * from "./plugin.js";
export * from "./query-storage.js";
