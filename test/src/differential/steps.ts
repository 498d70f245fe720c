/** Random operations, as messages that go unchanged to a real etcd and to the adapter. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type CompareSchema,
  type DeleteRangeRequestSchema,
  type PutRequestSchema,
  type RangeRequestSchema,
  type RequestOpSchema,
  Compare_CompareResult as Result,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
  Compare_CompareTarget as Target,
  type TxnRequestSchema,
} from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import type { WatchCreateRequestSchema } from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import fc from "fast-check";

export type RangeInit = MessageInitShape<typeof RangeRequestSchema>;
export type PutInit = MessageInitShape<typeof PutRequestSchema>;
export type DeleteInit = MessageInitShape<typeof DeleteRangeRequestSchema>;
export type TxnInit = MessageInitShape<typeof TxnRequestSchema>;
export type WatchInit = MessageInitShape<typeof WatchCreateRequestSchema>;

/** A revision near the newest one: both sides are at the same revision, so an offset names the same one on both. */
export interface Near {
  readonly offset: number;
}

export type Step =
  | { readonly kind: "range"; readonly request: RangeInit; readonly revision: Near | undefined }
  | { readonly kind: "put"; readonly request: PutInit }
  | { readonly kind: "delete"; readonly request: DeleteInit }
  | { readonly kind: "txn"; readonly request: TxnInit }
  | { readonly kind: "compact"; readonly revision: Near; readonly physical: boolean }
  | { readonly kind: "grant"; readonly id: bigint; readonly ttl: bigint }
  | { readonly kind: "revoke"; readonly id: bigint }
  | { readonly kind: "timeToLive"; readonly id: bigint; readonly keys: boolean }
  | { readonly kind: "leases" }
  | { readonly kind: "keepAlive"; readonly id: bigint }
  | { readonly kind: "hash"; readonly revision: Near | undefined }
  | { readonly kind: "watch"; readonly request: WatchInit; readonly start: Near | undefined }
  | { readonly kind: "cancelWatch"; readonly index: number };

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

const key = fc
  .constantFrom("a", "b", "c", "aa", "ab", "a\0", "b\xff", "\xff", "\xff\xff", "\0", "key/1", "key/2", "")
  .map(bytes);
const presentKey = key.filter((value) => value.length > 0);
const rangeEnd = fc.oneof(
  { weight: 3, arbitrary: fc.constant(bytes("")) },
  { weight: 1, arbitrary: fc.constant(bytes("\0")) },
  { weight: 3, arbitrary: key },
);
const value = fc.constantFrom("", "1", "2", "x", "long value", "\0\xff").map(bytes);
const lease = fc.constantFrom(0n, 0n, 0n, 1n, 2n, 3n, -7n, 99n);
const near = fc.integer({ min: -12, max: 2 }).map((offset): Near => ({ offset }));
const sometimes = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const rarely = fc.boolean().chain((first) => (first ? fc.boolean() : fc.constant(false)));
const bound = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0n) },
  { weight: 1, arbitrary: fc.bigInt(-1n, 30n) },
);

const range = fc.record({
  key,
  rangeEnd,
  limit: fc.constantFrom(0n, 0n, 0n, 1n, 2n, 3n, -1n),
  sortOrder: fc.constantFrom(SortOrder.NONE, SortOrder.ASCEND, SortOrder.DESCEND, 0, 0, 7 as SortOrder),
  sortTarget: fc.constantFrom(
    SortTarget.KEY,
    SortTarget.KEY,
    SortTarget.VERSION,
    SortTarget.CREATE,
    SortTarget.MOD,
    SortTarget.VALUE,
    9 as SortTarget,
  ),
  serializable: rarely,
  keysOnly: rarely,
  countOnly: rarely,
  minModRevision: bound,
  maxModRevision: bound,
  minCreateRevision: bound,
  maxCreateRevision: bound,
}) satisfies fc.Arbitrary<RangeInit>;

const put = fc.record({
  key: fc.oneof({ weight: 20, arbitrary: presentKey }, { weight: 1, arbitrary: key }),
  value,
  lease,
  prevKv: fc.boolean(),
  ignoreValue: rarely,
  ignoreLease: rarely,
}) satisfies fc.Arbitrary<PutInit>;

const del = fc.record({ key, rangeEnd, prevKv: fc.boolean() }) satisfies fc.Arbitrary<DeleteInit>;

type CompareInit = MessageInitShape<typeof CompareSchema>;
type OpInit = MessageInitShape<typeof RequestOpSchema>;

const targetUnion = fc.oneof(
  fc.bigInt(0n, 4n).map((operand) => ({ case: "version" as const, value: operand })),
  fc.bigInt(0n, 30n).map((operand) => ({ case: "createRevision" as const, value: operand })),
  fc.bigInt(0n, 30n).map((operand) => ({ case: "modRevision" as const, value: operand })),
  value.map((operand) => ({ case: "value" as const, value: operand })),
  lease.map((operand) => ({ case: "lease" as const, value: operand })),
);

const TARGETS = {
  version: Target.VERSION,
  createRevision: Target.CREATE,
  modRevision: Target.MOD,
  value: Target.VALUE,
  lease: Target.LEASE,
};

const compare: fc.Arbitrary<CompareInit> = fc
  .record({
    key: fc.oneof({ weight: 15, arbitrary: presentKey }, { weight: 1, arbitrary: key }),
    rangeEnd,
    result: fc.constantFrom(Result.EQUAL, Result.GREATER, Result.LESS, Result.NOT_EQUAL, 9 as Result),
    targetUnion,
    mismatch: fc.constantFrom(false, false, false, false, true),
    otherTarget: fc.constantFrom(Target.VERSION, Target.MOD, Target.VALUE, 9 as Target),
  })
  .map(({ mismatch, otherTarget, ...rest }) => ({
    ...rest,
    target: mismatch ? otherTarget : TARGETS[rest.targetUnion.case],
  }));

const txnRange = fc
  .tuple(range, fc.constantFrom(0n, 0n, 0n, -1n, -2n, 1n, 5n, 20n))
  .map(([request, revision]) => ({ ...request, revision }));

const { txn } = fc.letrec<{ txn: TxnInit; op: OpInit }>((tie) => ({
  op: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    {
      weight: 4,
      arbitrary: put.map((request): OpInit => ({ request: { case: "requestPut", value: request } })),
    },
    {
      weight: 2,
      arbitrary: txnRange.map((request): OpInit => ({ request: { case: "requestRange", value: request } })),
    },
    {
      weight: 2,
      arbitrary: del.map((request): OpInit => ({ request: { case: "requestDeleteRange", value: request } })),
    },
    { weight: 1, arbitrary: fc.constant<OpInit>({}) },
    {
      weight: 2,
      arbitrary: tie("txn").map((request): OpInit => ({ request: { case: "requestTxn", value: request } })),
    },
  ),
  txn: fc.record({
    compare: fc.array(compare, { maxLength: 2 }),
    success: fc.array(tie("op"), { maxLength: 4 }),
    failure: fc.array(tie("op"), { maxLength: 3 }),
  }) as fc.Arbitrary<TxnInit>,
}));

const watch = fc.record({
  key,
  rangeEnd,
  prevKv: fc.boolean(),
  filters: fc.subarray([0, 1]),
  fragment: fc.boolean(),
  // -1 works too, but refusals bear it as well, and which comes first is a matter of time.
  watchId: fc.constantFrom(0n, 0n, 0n, 5n, 6n, -2n),
}) satisfies fc.Arbitrary<WatchInit>;

const leaseId = fc.constantFrom(1n, 2n, 3n, -7n, 99n);

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: put.map((request): Step => ({ kind: "put", request })) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(range, sometimes(near))
      .map(([request, revision]): Step => ({ kind: "range", request, revision })),
  },
  { weight: 3, arbitrary: del.map((request): Step => ({ kind: "delete", request })) },
  { weight: 8, arbitrary: txn.map((request): Step => ({ kind: "txn", request })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(near, fc.boolean())
      .map(([revision, physical]): Step => ({ kind: "compact", revision, physical })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(leaseId, fc.constantFrom(0n, -3n, 1n, 1_000n, 9_000_000_000n, 9_000_000_001n))
      .map(
        ([id, ttl]): Step => ({ kind: "grant", id, ttl: ttl > 100n ? ttl : ttl === 1n ? 500n : ttl + 600n }),
      ),
  },
  { weight: 1, arbitrary: leaseId.map((id): Step => ({ kind: "revoke", id })) },
  {
    weight: 1,
    arbitrary: fc.tuple(leaseId, fc.boolean()).map(([id, keys]): Step => ({ kind: "timeToLive", id, keys })),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "leases" }) },
  { weight: 1, arbitrary: leaseId.map((id): Step => ({ kind: "keepAlive", id })) },
  { weight: 1, arbitrary: sometimes(near).map((revision): Step => ({ kind: "hash", revision })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(watch, sometimes(near))
      .map(([request, start]): Step => ({ kind: "watch", request, start })),
  },
  { weight: 1, arbitrary: fc.nat(5).map((index): Step => ({ kind: "cancelWatch", index })) },
);
