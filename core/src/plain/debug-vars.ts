import { RAFT_TERM } from "../api/header.js";
import type { Members } from "../cluster/members.js";
import type { PlainRoute } from "../listener/plain.js";
import type { Store } from "../mvcc/store.js";

/** `/debug/vars` in the form of Go's expvar. The command line stays out: a storage's URL may hold a password. */
export function debugVarsRoute(store: Store, members: Members): PlainRoute {
  return {
    path: "/debug/vars",
    handle: () => ({
      status: 200,
      headers: { "Content-Type": "application/json; charset=utf-8" },
      body: `${JSON.stringify({
        cmdline: ["etcd-adapter"],
        memstats: memory(),
        "raft.status": raftStatus(store, members),
      })}\n`,
    }),
  };
}

function memory(): Record<string, number> {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
  return {
    Alloc: heapUsed + external,
    Sys: rss,
    HeapAlloc: heapUsed,
    HeapSys: heapTotal,
    HeapInuse: heapUsed,
  };
}

function raftStatus(store: Store, members: Members): Record<string, unknown> {
  const id = members.identity.memberId.toString(16);
  const index = Number(store.follower.head.sequence);
  return {
    id,
    term: Number(RAFT_TERM),
    vote: id,
    commit: index,
    lead: id,
    raftState: "StateLeader",
    applied: index,
    progress: { [id]: { match: index, next: index + 1, state: "StateReplicate" } },
    leadtransferee: "0",
  };
}
