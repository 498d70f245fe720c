/** Changes of users, by etcd's rules. */
import { EtcdError } from "../errors.js";
import { compareNames, type User } from "./entries.js";
import type { AuthRecords } from "./records.js";
import { ROOT } from "./rights.js";

export interface NewUser {
  readonly name: string;
  /** A bcrypt hash. */
  readonly password: Buffer;
  readonly noPassword: boolean;
}

export function addUser(records: AuthRecords, { name, password, noPassword }: NewUser): void {
  if (name === "") throw new EtcdError("userEmpty");
  if (records.user(name)) throw new EtcdError("userAlreadyExist");
  records.putUser({ name, password, noPassword, roles: [], passwordRevision: records.nextRevision });
  records.endChange();
}

export function deleteUser(records: AuthRecords, name: string): void {
  if (records.state.enabled && name === ROOT) throw new EtcdError("invalidAuthManagement");
  existing(records, name);
  records.removeUser(name);
  records.endChange();
}

/** `password` undefined is one that could not be read, which etcd finds out only where it needs it. */
export function changePassword(records: AuthRecords, name: string, password: Buffer | undefined): void {
  const user = existing(records, name);
  if (!user.noPassword && !password) throw new EtcdError("noPasswordUser");
  records.putUser({
    ...user,
    password: !user.noPassword && password ? password : Buffer.alloc(0),
    passwordRevision: records.nextRevision,
  });
  records.endChange();
}

/** A role that the user has already is granted again without a change. */
export function grantRole(records: AuthRecords, name: string, role: string): void {
  const user = existing(records, name);
  if (role !== ROOT && !records.role(role)) throw new EtcdError("roleNotFound");
  if (user.roles.includes(role)) return;
  records.putUser({ ...user, roles: [...user.roles, role].sort(compareNames) });
  records.endChange();
}

export function revokeRole(records: AuthRecords, name: string, role: string): void {
  if (records.state.enabled && name === ROOT && role === ROOT) throw new EtcdError("invalidAuthManagement");
  const user = existing(records, name);
  if (!user.roles.includes(role)) throw new EtcdError("roleNotGranted");
  records.putUser(without(user, role));
  records.endChange();
}

export function existing(records: AuthRecords, name: string): User {
  const user = records.user(name);
  if (!user) throw new EtcdError("userNotFound");
  return user;
}

export function without(user: User, role: string): User {
  return { ...user, roles: user.roles.filter((granted) => granted !== role) };
}
