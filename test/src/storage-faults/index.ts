export { logFaults } from "./log-suite.js";
export { longKeys } from "./long-keys.js";
export { storageRefusals } from "./refusals.js";
export { openLog, openStorage } from "./subject.js";
export { storageFaults } from "./suite.js";
export { expectTls, tlsFixture } from "./tls.js";
export { StorageWriter } from "./writer.js";
