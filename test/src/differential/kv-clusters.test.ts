import { describe } from "node:test";
import { clusterBackends } from "../adapter/backends.js";
import { isRequired } from "../servers/index.js";
import { sameAnswers } from "./same-answers.js";

if (isRequired("etcd"))
  for (const { name, start } of clusterBackends())
    describe(`same answers as etcd, on ${name}`, () => sameAnswers(start(), 2));
