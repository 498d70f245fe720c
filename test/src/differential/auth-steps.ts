/** Random users, roles, permissions and what is tried with them, for a real etcd and the adapter alike. */
import type { DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { Auth } from "@etcd-adapter/core/proto/etcdserverpb/auth_pb";
import { KV, type RequestOpSchema, type TxnRequestSchema } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Lease } from "@etcd-adapter/core/proto/etcdserverpb/lease_pb";
import fc from "fast-check";

/** A user by name, with the newest token that was got for it; `garbage` shows a token that is none. */
export type CallerName = "nobody" | "garbage" | "root" | "u1" | "u2";

const METHODS = { ...Auth.method, ...KV.method };
const LEASE_METHODS = {
  leaseGrant: Lease.method.leaseGrant,
  leaseRevoke: Lease.method.leaseRevoke,
  leaseTimeToLive: Lease.method.leaseTimeToLive,
  leaseLeases: Lease.method.leaseLeases,
};
export type UnaryName = keyof typeof METHODS | keyof typeof LEASE_METHODS;
export const UNARY: Record<UnaryName, DescMethodUnary> = { ...METHODS, ...LEASE_METHODS };

export type AuthStep =
  | {
      readonly kind: "call";
      readonly method: UnaryName;
      readonly request: Record<string, unknown>;
      readonly as: CallerName;
    }
  | { readonly kind: "signIn"; readonly name: string; readonly password: string }
  | {
      readonly kind: "watch";
      readonly key: Uint8Array;
      readonly rangeEnd: Uint8Array;
      readonly as: CallerName;
    }
  | { readonly kind: "keepAlive"; readonly id: bigint; readonly as: CallerName };

/** bcrypt of "q" */
const HASH_OF_Q = Buffer.from("$2b$04$61l.ve1fLyOpUJ3/a4Q2PeRO1Gfo5shOdny/O2CWRgegiuKu4tHLO").toString(
  "base64",
);

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

const caller = fc.oneof(
  { weight: 2, arbitrary: fc.constant<CallerName>("root") },
  { weight: 9, arbitrary: fc.constantFrom<CallerName>("u1", "u2") },
  { weight: 1, arbitrary: fc.constantFrom<CallerName>("nobody", "garbage") },
);
const administrator = fc.oneof(
  { weight: 8, arbitrary: fc.constant<CallerName>("root") },
  { weight: 1, arbitrary: caller },
);
const user = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("u1", "u2") },
  { weight: 1, arbitrary: fc.constantFrom("root", "Ünames 😀", "") },
);
const role = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("r1", "r2") },
  { weight: 1, arbitrary: fc.constantFrom("root", "\u{ffff}", "😀", "") },
);
const password = fc.oneof(
  { weight: 6, arbitrary: fc.constant("p") },
  { weight: 1, arbitrary: fc.constantFrom("q", "", "x".repeat(72), "x".repeat(73)) },
);
const key = fc.constantFrom("a", "b", "c", "d", "a\0", "ab", "\0", "\xff").map(bytes);
const rangeEnd = fc.oneof(
  { weight: 4, arbitrary: fc.constant(bytes("")) },
  { weight: 1, arbitrary: fc.constant(bytes("\0")) },
  { weight: 4, arbitrary: fc.constantFrom("a", "b", "c", "d", "e", "ab\0", "\xff\xff").map(bytes) },
);
const permission = fc.record({ permType: fc.constantFrom(0, 0, 1, 1, 2, 2, 7), key, rangeEnd });
const lease = fc.constantFrom(0n, 0n, 0n, 1n, 2n);

const put = fc.record({ key, value: fc.constant(bytes("v")), lease, prevKv: fc.boolean() });

type Bounds = { readonly key: Uint8Array; readonly rangeEnd: Uint8Array };

/**
 * Ranges that do not run backwards: which of those a user with several permissions may name, etcd lets the shape of
 * its interval tree decide. There is no key in them, so nothing is to be protected.
 */
const bounds: fc.Arbitrary<Bounds> = fc
  .record({ key, rangeEnd })
  .map(({ key, rangeEnd }) =>
    rangeEnd.length > 0 && !(rangeEnd.length === 1 && rangeEnd[0] === 0) && Buffer.compare(key, rangeEnd) > 0
      ? { key: rangeEnd, rangeEnd: key }
      : { key, rangeEnd },
  );

function within<T extends object>(fields: fc.Arbitrary<T>): fc.Arbitrary<T & Bounds> {
  return fc.tuple(bounds, fields).map(([ends, rest]) => ({ ...ends, ...rest }));
}

const range = within(fc.record({ serializable: fc.boolean() }));
const deletion = within(fc.record({ prevKv: fc.boolean() }));

type TxnInit = MessageInitShape<typeof TxnRequestSchema>;
type OpInit = MessageInitShape<typeof RequestOpSchema>;

const plainOp: fc.Arbitrary<OpInit> = fc.oneof(
  range.map((value): OpInit => ({ request: { case: "requestRange", value } })),
  range.map((value): OpInit => ({ request: { case: "requestRange", value } })),
  put.map((value): OpInit => ({ request: { case: "requestPut", value } })),
  deletion.map((value): OpInit => ({ request: { case: "requestDeleteRange", value } })),
);

function transaction(op: fc.Arbitrary<OpInit>): fc.Arbitrary<TxnInit> {
  const ops = fc.array(op, { maxLength: 2 });
  const compare = within(fc.record({ targetUnion: fc.constant({ case: "version" as const, value: 0n }) }));
  return fc.record({ compare: fc.array(compare, { maxLength: 1 }), success: ops, failure: ops });
}

const txn = transaction(
  fc.oneof(
    { weight: 4, arbitrary: plainOp },
    {
      weight: 1,
      arbitrary: transaction(plainOp).map((value): OpInit => ({ request: { case: "requestTxn", value } })),
    },
  ),
);

function calls(
  method: UnaryName,
  request: fc.Arbitrary<Record<string, unknown>>,
  as: fc.Arbitrary<CallerName>,
) {
  return fc.record({ kind: fc.constant("call" as const), method: fc.constant(method), request, as });
}

const nothing = fc.constant({});

const administration = fc.oneof(
  calls(
    "userAdd",
    fc.record({ name: user, password, hashedPassword: fc.constantFrom("", "", HASH_OF_Q) }),
    administrator,
  ),
  calls("userAdd", fc.record({ name: user, options: fc.constant({ noPassword: true }) }), administrator),
  calls("userDelete", fc.record({ name: user }), administrator),
  calls(
    "userChangePassword",
    fc.record({ name: user, password, hashedPassword: fc.constantFrom("", "!!!", HASH_OF_Q) }),
    administrator,
  ),
  calls("userGrantRole", fc.record({ user, role }), administrator),
  calls("userGrantRole", fc.record({ user, role }), administrator),
  calls("userRevokeRole", fc.record({ name: user, role }), administrator),
  calls("roleAdd", fc.record({ name: role }), administrator),
  calls("roleDelete", fc.record({ role }), administrator),
  calls("roleGrantPermission", fc.record({ name: role, perm: permission }), administrator),
  calls("roleGrantPermission", fc.record({ name: role, perm: permission }), administrator),
  calls("roleGrantPermission", fc.record({ name: role }), administrator),
  calls("roleRevokePermission", fc.record({ role, key, rangeEnd }), administrator),
);

/** Mostly on, so that it is worth trying what follows. */
const switching = fc.oneof(
  { weight: 4, arbitrary: calls("authEnable", nothing, administrator) },
  { weight: 1, arbitrary: calls("authDisable", nothing, administrator) },
);

const questions = fc.oneof(
  calls("userGet", fc.record({ name: user }), caller),
  calls("userList", nothing, caller),
  calls("roleGet", fc.record({ role }), caller),
  calls("roleList", nothing, caller),
  calls("authStatus", nothing, caller),
);

const uses = fc.oneof(
  calls("range", range, caller),
  calls("range", range, caller),
  calls("put", put, caller),
  calls("put", put, caller),
  calls("deleteRange", deletion, caller),
  calls("txn", txn, caller),
  calls("txn", txn, caller),
  calls("compact", fc.constant({ revision: 1n }), caller),
  calls("leaseGrant", fc.record({ ID: fc.constantFrom(1n, 2n), TTL: fc.constant(1_000n) }), caller),
  calls("leaseRevoke", fc.record({ ID: fc.constantFrom(1n, 2n) }), caller),
  calls("leaseTimeToLive", fc.record({ ID: fc.constantFrom(1n, 2n), keys: fc.boolean() }), caller),
  calls("leaseLeases", nothing, caller),
  within(fc.record({ kind: fc.constant("watch" as const), as: caller })),
  fc.record({ kind: fc.constant("keepAlive" as const), id: fc.constantFrom(1n, 2n), as: caller }),
);

const signIn = fc.record({
  kind: fc.constant("signIn" as const),
  name: fc.oneof({ weight: 3, arbitrary: user }, { weight: 1, arbitrary: fc.constant("root") }),
  password,
});

export const authStep: fc.Arbitrary<AuthStep> = fc.oneof(
  { weight: 20, arbitrary: administration },
  { weight: 2, arbitrary: switching },
  { weight: 8, arbitrary: questions },
  { weight: 40, arbitrary: uses },
  { weight: 12, arbitrary: signIn },
);

const set = (method: UnaryName, request: Record<string, unknown>): AuthStep => ({
  kind: "call",
  method,
  request,
  as: "nobody",
});

/** Access control turned on, with two users that have a role each and all three signed in. */
export const PRELUDE: readonly AuthStep[] = [
  ...["root", "u1", "u2"].map((name) => set("userAdd", { name, password: "p" })),
  ...["r1", "r2"].map((name) => set("roleAdd", { name })),
  set("userGrantRole", { user: "root", role: "root" }),
  set("userGrantRole", { user: "u1", role: "r1" }),
  set("userGrantRole", { user: "u2", role: "r2" }),
  set("roleGrantPermission", { name: "r1", perm: { permType: 2, key: bytes("a"), rangeEnd: bytes("c") } }),
  set("roleGrantPermission", { name: "r2", perm: { permType: 0, key: bytes("b"), rangeEnd: bytes("\0") } }),
  ...[1n, 2n].map((ID) => set("leaseGrant", { ID, TTL: 1_000n })),
  set("put", { key: bytes("c"), lease: 2n }),
  set("authEnable", {}),
  ...["root", "u1", "u2"].map((name): AuthStep => ({ kind: "signIn", name, password: "p" })),
];
