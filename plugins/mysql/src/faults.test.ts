import { isRequired, startMariadb, startTidb } from "@etcd-adapter/test/dist/servers/index.js";
import { storageFaults } from "@etcd-adapter/test/dist/storage-faults/index.js";
import mysql from "./index.js";

if (isRequired("mariadb")) storageFaults({ name: "mariadb", plugin: mysql, start: startMariadb });
// The built-in store keeps its locks in memory alone: kill -9 tears a commit of several tables apart, which TiKV does not.
if (isRequired("tidb")) storageFaults({ name: "tidb", plugin: mysql, start: startTidb, crashSafe: false });
