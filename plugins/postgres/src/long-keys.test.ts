import { isRequired, startPostgres } from "@etcd-adapter/test/dist/servers/index.js";
import { longKeys } from "@etcd-adapter/test/dist/storage-faults/index.js";
import postgres from "./index.js";

if (isRequired("postgres")) longKeys({ name: "postgres", plugin: postgres, start: startPostgres });
