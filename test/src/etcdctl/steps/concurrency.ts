import { PLAIN, plain, type Scenario, type Step } from "../step.js";

export const concurrency: Scenario = {
  name: "lock, elect",
  steps: [
    {
      run: "lock mutex",
      until: [[/mutex|"count"/, "get mutex --prefix --keys-only"]],
      formats: ["simple", "json", "fields", "protobuf"],
    },
    ...plain(
      "lock mutex true",
      "lock mutex echo held",
      "lock mutex --ttl=5 sh -c 'echo $ETCD_LOCK_KEY | cut -c 1-6'",
      "lock mutex sh -c 'exit 3'",
      "lock mutex not-a-program",
      "lock",
      "lock mutex --ttl=x true",
      "get mutex --prefix",
    ),
    {
      run: "elect chief one",
      until: [[/one|"count"/, "get chief --prefix --print-value-only"]],
      formats: ["simple", "json", "fields", "protobuf"],
    },
    ...plain("elect", "elect chief", "elect chief one two", "elect --listen chief one", "get chief --prefix"),
    // They fail with the lock held, until its lease ends.
    { run: "lock tabled", until: [[/not supported/]], formats: ["table"] },
    { run: "elect tabled one", until: [[/not supported/]], formats: ["table"] },
  ],
};

export const mirror: Scenario = {
  name: "make-mirror",
  needsDestination: true,
  steps: [
    ...plain("put m/1 1", "put m/2 2", "put other 3"),
    // What was there before, then what comes; without a word, so its destination is what tells.
    ...[
      "$destination --prefix=m/ --dest-prefix=n/",
      "$destination --prefix=m/ --no-dest-prefix",
      "$destination --prefix=m/",
      "$destination --rev=1 --max-txn-ops=1",
      "$destination",
    ].flatMap((flags, index): Step[] => [
      {
        run: `make-mirror ${flags}`,
        formats: PLAIN,
        shownAtDestination: true,
        until: [[/2$/m, `put m/live live${index}`], [new RegExp(`live${index}`)]],
      },
      { run: "get '' --prefix", atDestination: true, formats: PLAIN },
      { run: "del '' --prefix", atDestination: true, formats: PLAIN },
    ]),
    ...plain(
      "make-mirror",
      "make-mirror $destination --dest-prefix=x --no-dest-prefix",
      "make-mirror $destination --rev=x",
    ),
  ],
};
