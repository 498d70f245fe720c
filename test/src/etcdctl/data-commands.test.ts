/** Every command of the real etcdctl that is about data, on a real etcd and on the adapter: output, errors and exit code are the same. */
import { playScenarios } from "./play.js";
import { DATA } from "./steps/index.js";

await playScenarios(...DATA);
