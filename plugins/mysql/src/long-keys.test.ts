import { isRequired, startMariadb, startTidb } from "@etcd-adapter/test/dist/servers/index.js";
import { longKeys } from "@etcd-adapter/test/dist/storage-faults/index.js";
import mysql from "./index.js";

if (isRequired("mariadb")) longKeys({ name: "mariadb", plugin: mysql, start: startMariadb });
if (isRequired("tidb")) longKeys({ name: "tidb", plugin: mysql, start: startTidb });
