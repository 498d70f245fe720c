import { every, FORMATS, PLAIN, plain, type Scenario } from "../step.js";

const raise = {
  path: "/v3/maintenance/alarm",
  body: { action: "ACTIVATE", alarm: "NOSPACE", memberID: "5" },
};

export const operators: Scenario = {
  name: "endpoint, alarm, defrag, compaction, snapshot",
  flags: ["--quota-backend-bytes=1000000000"],
  steps: [
    ...plain("put a 1", "put a 2", "put b 3", "del a", "put c 4"),
    ...every("endpoint health", "endpoint health --cluster", "endpoint status", "endpoint status --cluster"),
    ...every(
      "endpoint hashkv",
      "endpoint hashkv --cluster",
      "endpoint hashkv --rev=3",
      "endpoint hashkv --rev=100",
    ),
    ...plain("compaction 4"),
    ...every("compaction 4", "compaction 1000", "endpoint hashkv --rev=3", "endpoint hashkv --rev=5"),
    ...plain("compaction 5 --physical", "compaction", "compaction x", "compact 5"),
    ...plain("get a --rev=3", "get '' --prefix --rev=5"),
    ...every("defrag", "defrag --cluster"),
    ...plain("defrag more"),
    ...every("alarm list"),
    { run: "alarm list", before: raise },
    { run: "put refused 1", formats: FORMATS, before: raise },
    { run: "endpoint health", before: raise },
    { run: "endpoint status", before: raise },
    { run: "alarm disarm", before: raise },
    ...every("alarm disarm"),
    ...plain("alarm list more", "alarm disarm more"),
    { run: "snapshot save $folder/saved", formats: FORMATS },
    ...plain("snapshot save", "snapshot save /nowhere/saved"),
    { run: "check datascale --load=s --auto-compact --auto-defrag", formats: PLAIN },
    // Its whole run takes a minute, and its verdict is about the machine.
    ...plain("check datascale --load=nonsense", "check perf --load=nonsense", "get '' --prefix"),
  ],
};

export const cluster: Scenario = {
  name: "member, move-leader, downgrade",
  steps: [
    ...every("member list", "member list --consistency=s"),
    ...plain(
      "member list --consistency=x",
      "member list --hex --write-out=json",
      "member list --hex --write-out=fields",
    ),
    ...every("move-leader $member", "move-leader 5"),
    ...plain("move-leader", "move-leader x"),
    ...every("member remove 5", "member promote 5", "member update 5 --peer-urls=http://127.0.0.1:1"),
    ...every("member promote $member", "member add other --peer-urls=http://127.0.0.1"),
    ...plain("member add", "member add other", "member add other --peer-urls=nonsense", "member remove"),
    ...plain("member remove x", "member promote", "member update", "member update $member"),
    ...every(
      "downgrade validate 3.5",
      "downgrade validate 3.4",
      "downgrade validate nonsense",
      "downgrade cancel",
    ),
    ...every("downgrade enable 3.4", "downgrade enable nonsense"),
    ...plain("downgrade validate", "downgrade enable", "downgrade enable 3.5"),
    // What changes an etcd's members comes last: it has no quorum any more.
    ...plain(
      "member add learner --learner --peer-urls=http://127.0.0.1:1",
      "member add other --peer-urls=http://127.0.0.1:2",
    ),
  ],
};
