/** Changes of roles, by etcd's rules. */
import { create } from "@bufbuild/protobuf";
import { EtcdError } from "../errors.js";
import {
  type Permission,
  PermissionSchema,
  Permission_Type as PermissionType,
} from "../gen/authpb/auth_pb.js";
import type { Role } from "./entries.js";
import { isValidRange, type KeyRange } from "./key-ranges.js";
import type { AuthRecords } from "./records.js";
import { ROOT } from "./rights.js";
import { without } from "./users.js";

export function addRole(records: AuthRecords, name: string): void {
  if (name === "") throw new EtcdError("roleEmpty");
  if (records.role(name)) throw new EtcdError("roleAlreadyExist");
  records.putRole({ name, permissions: [] });
  records.endChange();
}

/** Takes the role from every user, too. */
export function deleteRole(records: AuthRecords, name: string): void {
  if (records.state.enabled && name === ROOT) throw new EtcdError("invalidAuthManagement");
  existing(records, name);
  records.removeRole(name);
  for (const user of records.users()) {
    if (user.roles.includes(name)) records.putUser(without(user, name));
  }
  records.endChange();
}

export function grantPermission(
  records: AuthRecords,
  name: string,
  permission: Permission | undefined,
): void {
  if (!permission) throw new EtcdError("permissionNotGiven");
  if (!isValidRange(permission)) throw new EtcdError("invalidAuthManagement");
  const role = existing(records, name);
  const permissions = [...role.permissions];
  // Of several permissions that start with one key etcd looks at the first only, so that one on the range of
  // another is granted beside it. That widens what a role may do: it has to be the same here.
  const first = permissions.findIndex(({ key }) => Buffer.compare(key, permission.key) >= 0);
  if (first >= 0 && isSameRange(permissions[first]!, permission)) permissions[first] = permission;
  else permissions.push(permission);
  permissions.sort((a, b) => Buffer.compare(a.key, b.key));
  records.putRole({ name, permissions });
  records.endChange();
}

export function revokePermission(records: AuthRecords, name: string, range: KeyRange): void {
  const role = existing(records, name);
  const permissions = role.permissions.filter((permission) => !isSameRange(permission, range));
  if (permissions.length === role.permissions.length) throw new EtcdError("permissionNotGranted");
  records.putRole({ name, permissions });
  records.endChange();
}

/** What RoleGet shows: of the role "root" all that its holder may do. */
export function shownPermissions(records: AuthRecords, name: string): readonly Permission[] {
  const role = existing(records, name);
  if (name !== ROOT) return role.permissions;
  return [create(PermissionSchema, { permType: PermissionType.READWRITE, rangeEnd: Buffer.from([0]) })];
}

function existing(records: AuthRecords, name: string): Role {
  const role = records.role(name);
  if (!role) throw new EtcdError("roleNotFound");
  return role;
}

function isSameRange(a: KeyRange, b: KeyRange): boolean {
  return Buffer.compare(a.key, b.key) === 0 && Buffer.compare(a.rangeEnd, b.rangeEnd) === 0;
}
