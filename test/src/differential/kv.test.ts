import { describe } from "node:test";
import { storageBackends } from "../adapter/backends.js";
import { isRequired } from "../servers/index.js";
import { sameAnswers } from "./same-answers.js";

if (isRequired("etcd"))
  for (const backend of storageBackends())
    describe(`same answers as etcd, on ${backend.name}`, () => sameAnswers(backend, backend.shared ? 5 : 12));
