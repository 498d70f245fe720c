/** Every command of the real etcdctl for operators, on a real etcd and on the adapter: output, errors and exit code are the same. */
import { playScenarios } from "./play.js";
import { OPERATION } from "./steps/index.js";

await playScenarios(...OPERATION);
