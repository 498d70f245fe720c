import { Permission_Type as PermissionType } from "../gen/authpb/auth_pb.js";
import {
  type AuthState,
  decodeRole,
  decodeState,
  decodeUser,
  roleEntry,
  STATE_ENTRY,
  type User,
  userEntry,
} from "./entries.js";
import { KeyRanges } from "./key-ranges.js";

export const ROOT = "root";

/** Looks an entry of the registry up: as of the follower's head, or as a draft leaves it. */
export type Lookup = (entry: string) => Buffer | undefined;

/** A user and what the user's roles add up to. */
export interface UserRights {
  readonly user: User;
  readonly isRoot: boolean;
  readonly read: KeyRanges;
  readonly write: KeyRanges;
}

interface Compiled {
  readonly state: AuthState;
  readonly users: Map<string, UserRights | undefined>;
}

/**
 * By the state entry's very buffer. Every change of access control replaces it, and a buffer that a draft has
 * written is the one that the registry holds after the commit; so what was compiled for it holds wherever it is met.
 */
const compiled = new WeakMap<Buffer, Compiled>();

/** Who may do what at one moment; undefined while access control is off. */
export function rightsOf(lookup: Lookup): Rights | undefined {
  const bytes = lookup(STATE_ENTRY);
  if (bytes?.[0] !== 1) return undefined;
  let found = compiled.get(bytes);
  if (!found) {
    found = { state: decodeState(bytes), users: new Map() };
    compiled.set(bytes, found);
  }
  return new Rights(found, lookup);
}

export class Rights {
  constructor(
    private readonly compiled: Compiled,
    private readonly lookup: Lookup,
  ) {}

  get state(): AuthState {
    return this.compiled.state;
  }

  /** Whether both are about the same state of access control. */
  equals(other: Rights | undefined): boolean {
    return other?.compiled === this.compiled;
  }

  user(name: string): UserRights | undefined {
    const { users } = this.compiled;
    if (!users.has(name)) users.set(name, this.compile(name));
    return users.get(name);
  }

  private compile(name: string): UserRights | undefined {
    const bytes = this.lookup(userEntry(name));
    if (!bytes) return undefined;
    const user = decodeUser(bytes);
    const permissions = user.roles.flatMap((role) => {
      const found = this.lookup(roleEntry(role));
      return found ? decodeRole(found).permissions : [];
    });
    const having = (type: PermissionType) =>
      new KeyRanges(
        permissions.filter(({ permType }) => permType === type || permType === PermissionType.READWRITE),
      );
    return {
      user,
      isRoot: user.roles.includes(ROOT),
      read: having(PermissionType.READ),
      write: having(PermissionType.WRITE),
    };
  }
}
