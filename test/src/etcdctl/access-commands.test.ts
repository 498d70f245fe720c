/** Every command of the real etcdctl about users and roles, on a real etcd and on the adapter: output, errors and exit code are the same. */
import { playScenarios } from "./play.js";
import { ACCESS } from "./steps/index.js";

await playScenarios(...ACCESS);
