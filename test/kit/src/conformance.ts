import { describe } from "node:test";
import { bigTests } from "./big.js";
import { changesTests } from "./changes.js";
import { commitTests } from "./commit.js";
import { compactionTests } from "./compaction.js";
import { concurrencyTests } from "./concurrency.js";
import { definitionTests } from "./definition.js";
import { getTests } from "./get.js";
import { leaseTests } from "./leases.js";
import { lifecycleTests } from "./lifecycle.js";
import { logTests } from "./log.js";
import { propertyTests } from "./property.js";
import { pruneTests } from "./prune.js";
import { rangeTests } from "./range.js";
import { registryTests } from "./registry.js";
import { defineWith, type Subject } from "./scene.js";
import { sharedTests } from "./shared.js";
import { sinceTests } from "./since.js";
import { subscribeTests } from "./subscribe.js";

/**
 * Defines, for node:test, every test that a storage plugin passes. What applies follows from what the storage
 * itself says: its kind, `shared`, `subscribe` and `defragment`. Log plugins are tested bare, and as the
 * storage that the core builds over them.
 */
export function conformance<Options>(subject: Subject<Options>): void {
  describe(`conformance of ${subject.plugin.name}`, () => {
    definitionTests(subject);
    logTests(subject);
    const define = defineWith(subject);
    for (const tests of [
      commitTests,
      rangeTests,
      getTests,
      changesTests,
      registryTests,
      sinceTests,
      leaseTests,
      compactionTests,
      pruneTests,
      lifecycleTests,
      concurrencyTests,
      sharedTests,
      subscribeTests,
      bigTests,
    ]) {
      tests(define);
    }
    propertyTests(subject);
  });
}
