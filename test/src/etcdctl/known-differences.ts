/** What docs/differences.md says of commands, each with the formats that show it. */
export interface KnownDifference {
  readonly run: string;
  /** In all if not given. */
  readonly formats?: readonly string[];
  readonly why: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    run: "member add learner --learner --peer-urls=http://127.0.0.1:1",
    why: "the members are the adapters that run: none is added by a call",
  },
  { run: "member add other --peer-urls=http://127.0.0.1:2", why: "the same" },
  { run: "downgrade enable 3.5", why: "there is no data format to downgrade" },
];
