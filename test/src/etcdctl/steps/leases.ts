import { every, PLAIN, plain, type Scenario, type Step } from "../step.js";

const grant: Step = { run: "lease grant 1000", formats: PLAIN, keep: { lease: /lease ([0-9a-f]+)/ } };

export const leases: Scenario = {
  name: "lease",
  steps: [
    ...every("lease list", "lease grant 500", "lease grant 1", "lease grant 9000000001"),
    ...plain("lease grant", "lease grant x"),
    grant,
    ...plain("put k1 2 --lease=$lease", "put k1 3 --ignore-lease", "get k1 --write-out=json"),
    ...every("lease timetolive $lease", "lease timetolive $lease --keys", "lease timetolive 7b"),
    ...every("lease keep-alive $lease --once", "lease keep-alive 7b --once"),
    { run: "lease keep-alive $lease", formats: PLAIN, until: [[/keepalived/]] },
    ...plain(
      "lease keep-alive 7b",
      "lease timetolive",
      "lease timetolive x",
      "lease keep-alive",
      "lease revoke",
    ),
    ...plain("put k2 1 --lease=$lease", "lease revoke $lease"),
    ...every("lease revoke 7b", "lease revoke $lease", "get k --prefix"),
    grant,
    { run: "lease revoke $lease", formats: ["json"] },
    grant,
    { run: "lease revoke $lease", formats: ["fields"] },
    grant,
    { run: "lease revoke $lease", formats: ["table"] },
    grant,
    { run: "lease revoke $lease", formats: ["protobuf"] },
  ],
};
