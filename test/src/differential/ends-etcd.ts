import type { Step, TxnInit } from "./steps.js";

type Request = NonNullable<NonNullable<TxnInit["success"]>[number]["request"]>;

/**
 * Whether etcd 3.6 may end itself over this step: it looks before a transaction whether the keys of puts with ignore_value or
 * ignore_lease are there, and panics when the transaction has deleted one before its turn. It refuses such transactions as
 * naming a key twice, but overlooks deletions without an upper bound. See docs/differences.md.
 */
export function endsEtcd(step: Step): boolean {
  if (step.kind !== "txn") return false;
  return [step.request.success, step.request.failure].some((operations) => {
    const requests = [...requestsOf({ success: operations ?? [] })];
    const firstDelete = requests.findIndex((request) => request.case === "requestDeleteRange");
    return firstDelete >= 0 && requests.slice(firstDelete).some(ignores);
  });
}

/** Those of nested transactions in their places. */
function* requestsOf({ success = [], failure = [] }: TxnInit): Generator<Request> {
  for (const { request } of [...success, ...failure]) {
    if (!request) continue;
    if (request.case === "requestTxn") yield* requestsOf(request.value as TxnInit);
    else yield request as Request;
  }
}

function ignores(request: Request): boolean {
  if (request.case !== "requestPut") return false;
  return Boolean(request.value.ignoreValue || request.value.ignoreLease);
}
