/** What of etcd's own tests is not for the adapter. */
export interface Excluded {
  /** Names of whole tests. */
  readonly tests?: readonly string[];
  /** Sub-tests, as Go's -test.skip takes them. */
  readonly subtests?: string;
  readonly why: string;
}

export const EXCLUDED: readonly Excluded[] = [
  { subtests: "/ClientAutoTLS", why: "--auto-tls is not there: the adapter makes no certificates" },
  {
    tests: ["TestMemberAdd", "TestMemberRemove", "TestAuthMemberAdd", "TestAuthMemberRemove"],
    why: "members are the adapters that run: no call adds or removes one",
  },
  {
    tests: ["TestKVGetNoQuorum"],
    why: "one adapter serves alone: those that are stopped take no quorum with them",
  },
  {
    tests: ["TestWaitLeader_MemberStop"],
    subtests:
      "^TestWaitLeader$/Peer|^TestLeaseGrantTimeToLiveExpired$/Peer|^TestLeaseGrantKeepAliveOnce$/Peer",
    why: "each adapter says that it leads, since each serves writes: three never agree on one",
  },
];
