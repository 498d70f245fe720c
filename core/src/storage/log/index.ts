export { type LogBackedOptions, LogBackedStorage } from "./log-backed-storage.js";
export { type AppendFault, ProcessLog, ProcessLogBackend } from "./process-log.js";
