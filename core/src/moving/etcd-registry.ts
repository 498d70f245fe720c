import { createHash } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import {
  decodeUser,
  encodeRole,
  encodeState,
  encodeUser,
  roleEntry,
  STATE_ENTRY,
  userEntry,
} from "../auth/entries.js";
import { RoleSchema, UserSchema } from "../gen/authpb/auth_pb.js";
import { encodeLease, leaseEntry } from "../mvcc/lease-entry.js";
import { Reader } from "../mvcc/record.js";
import type { RegistryEntry } from "../storage/index.js";
import type { BoltFile } from "./bolt-file.js";

const ID_TAG = 0x08;
const TTL_TAG = 0x10;

/** Leases, users and roles of an etcd's database. Alarms are left: they are about that etcd's disk. */
export async function etcdRegistry(file: BoltFile): Promise<RegistryEntry[]> {
  const entries: RegistryEntry[] = [];
  for await (const { value } of file.bucket("lease")) {
    const { id, ttlSeconds } = readLease(value);
    entries.push({ key: leaseEntry(id), value: encodeLease({ ttlSeconds, stamp: 0n }) });
  }
  const revision = (await file.get("auth", "authRevision"))?.readBigUInt64BE(0);
  if (revision === undefined) return entries;
  const secret = createHash("sha256");
  for await (const { value } of file.bucket("authUsers")) {
    const user = fromBinary(UserSchema, value);
    const bytes = encodeUser({
      name: Buffer.from(user.name).toString(),
      password: Buffer.from(user.password),
      noPassword: user.options?.noPassword ?? false,
      roles: user.roles,
      passwordRevision: revision,
    });
    secret.update(bytes);
    entries.push({ key: userEntry(decodeUser(bytes).name), value: bytes });
  }
  for await (const { value } of file.bucket("authRoles")) {
    const role = fromBinary(RoleSchema, value);
    const name = Buffer.from(role.name).toString();
    entries.push({ key: roleEntry(name), value: encodeRole({ name, permissions: role.keyPermission }) });
  }
  const enabled = (await file.get("auth", "authEnabled"))?.[0] === 1;
  // Made of the hashes of passwords, it is as secret as they are; and the same database gives the same snapshot.
  const tokenKey = enabled ? secret.digest() : Buffer.alloc(0);
  entries.push({ key: STATE_ENTRY, value: encodeState({ enabled, revision, tokenKey }) });
  return entries;
}

/** leasepb.Lease */
function readLease(bytes: Buffer): { id: bigint; ttlSeconds: bigint } {
  const reader = new Reader(bytes);
  let id = 0n;
  let ttlSeconds = 0n;
  while (reader.offset < bytes.length) {
    const tag = reader.size();
    const value = reader.int64();
    if (tag === ID_TAG) id = value;
    if (tag === TTL_TAG) ttlSeconds = value;
  }
  return { id, ttlSeconds };
}
