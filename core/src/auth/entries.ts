/** Access control as it lies in the registry: one entry for its state, one for each user and each role. */
import { createHash } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Permission, RoleSchema, UserSchema } from "../gen/authpb/auth_pb.js";

/** Written with every change of access control, so that its bytes stand for all of it. */
export const STATE_ENTRY = "auth/state";
export const USER_PREFIX = "auth/user/";
export const ROLE_PREFIX = "auth/role/";

export interface AuthState {
  readonly enabled: boolean;
  /** etcd's auth revision. */
  readonly revision: bigint;
  /** Signs simple tokens; a new one with each enabling, since disabling ends all tokens. */
  readonly tokenKey: Buffer;
}

export const TOKEN_KEY_BYTES = 32;

const INITIAL_STATE: AuthState = { enabled: false, revision: 1n, tokenKey: Buffer.alloc(0) };

export interface User {
  readonly name: string;
  /** A bcrypt hash; empty matches nothing. */
  readonly password: Buffer;
  readonly noPassword: boolean;
  /** In byte order. */
  readonly roles: readonly string[];
  /** The auth revision that gave the user this password: a token issued under another one is dead. */
  readonly passwordRevision: bigint;
}

export interface Role {
  readonly name: string;
  /** By key. */
  readonly permissions: readonly Permission[];
}

export function encodeState(state: AuthState): Buffer {
  const head = Buffer.alloc(9);
  head[0] = Number(state.enabled);
  head.writeBigUInt64BE(state.revision, 1);
  return Buffer.concat([head, state.tokenKey]);
}

export function decodeState(bytes: Buffer | undefined): AuthState {
  if (!bytes) return INITIAL_STATE;
  return { enabled: bytes[0] === 1, revision: bytes.readBigUInt64BE(1), tokenKey: bytes.subarray(9) };
}

export function encodeUser(user: User): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(user.passwordRevision);
  const { name, password, noPassword, roles } = user;
  const message = create(UserSchema, {
    name: Buffer.from(name),
    password,
    roles: [...roles],
    options: { noPassword },
  });
  return Buffer.concat([head, toBinary(UserSchema, message)]);
}

export function decodeUser(bytes: Buffer): User {
  const { name, password, roles, options } = fromBinary(UserSchema, bytes.subarray(8));
  return {
    name: Buffer.from(name).toString(),
    password: Buffer.from(password),
    noPassword: options?.noPassword ?? false,
    roles,
    passwordRevision: bytes.readBigUInt64BE(0),
  };
}

export function encodeRole(role: Role): Buffer {
  const message = create(RoleSchema, { name: Buffer.from(role.name), keyPermission: [...role.permissions] });
  return Buffer.from(toBinary(RoleSchema, message));
}

export function decodeRole(bytes: Buffer): Role {
  const { name, keyPermission } = fromBinary(RoleSchema, bytes);
  return { name: Buffer.from(name).toString(), permissions: keyPermission };
}

export function userEntry(name: string): string {
  return USER_PREFIX + entryName(name);
}

export function roleEntry(name: string): string {
  return ROLE_PREFIX + entryName(name);
}

/** Short plain names are left readable; others may hold what a backend can't store, or be of any length. */
function entryName(name: string): string {
  if (/^[a-z0-9._-]{1,64}$/.test(name)) return name;
  return `~${createHash("sha256").update(name).digest("hex")}`;
}

/** The order of names in etcd's answers: that of their bytes. */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
