import type { Scenario } from "../step.js";
import { access } from "./access.js";
import { concurrency, mirror } from "./concurrency.js";
import { itself } from "./itself.js";
import { keys } from "./keys.js";
import { leases } from "./leases.js";
import { cluster, operators } from "./operators.js";
import { transactions } from "./txn.js";
import { watches } from "./watch.js";

export const DATA: readonly Scenario[] = [keys, transactions, watches, leases, concurrency, mirror];
export const OPERATION: readonly Scenario[] = [operators, cluster, itself];
export const ACCESS: readonly Scenario[] = [access];

export const SCENARIOS: readonly Scenario[] = [...DATA, ...OPERATION, ...ACCESS];
