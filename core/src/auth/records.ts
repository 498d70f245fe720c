import type { Draft } from "../mvcc/draft.js";
import {
  type AuthState,
  compareNames,
  decodeRole,
  decodeState,
  decodeUser,
  encodeRole,
  encodeState,
  encodeUser,
  ROLE_PREFIX,
  type Role,
  roleEntry,
  STATE_ENTRY,
  USER_PREFIX,
  type User,
  userEntry,
} from "./entries.js";

/** Access control inside a proposal. Every change of it must end with `writeState`. */
export class AuthRecords {
  constructor(private readonly draft: Draft) {}

  get state(): AuthState {
    return decodeState(this.draft.registryGet(STATE_ENTRY));
  }

  /** Also tells every adapter, by the entry's new bytes, that rights have to be looked up again. */
  writeState(state: AuthState): void {
    this.draft.registryPut(STATE_ENTRY, encodeState(state));
  }

  /** The auth revision of the change that is being made. */
  get nextRevision(): bigint {
    return this.state.revision + 1n;
  }

  endChange(): void {
    this.writeState({ ...this.state, revision: this.nextRevision });
  }

  user(name: string): User | undefined {
    const bytes = this.draft.registryGet(userEntry(name));
    return bytes && decodeUser(bytes);
  }

  putUser(user: User): void {
    this.draft.registryPut(userEntry(user.name), encodeUser(user));
  }

  removeUser(name: string): void {
    this.draft.registryPut(userEntry(name), null);
  }

  users(): User[] {
    const entries = Array.from(this.draft.registryWithPrefix(USER_PREFIX), ([, bytes]) => decodeUser(bytes));
    return entries.sort((a, b) => compareNames(a.name, b.name));
  }

  role(name: string): Role | undefined {
    const bytes = this.draft.registryGet(roleEntry(name));
    return bytes && decodeRole(bytes);
  }

  putRole(role: Role): void {
    this.draft.registryPut(roleEntry(role.name), encodeRole(role));
  }

  removeRole(name: string): void {
    this.draft.registryPut(roleEntry(name), null);
  }

  roles(): Role[] {
    const entries = Array.from(this.draft.registryWithPrefix(ROLE_PREFIX), ([, bytes]) => decodeRole(bytes));
    return entries.sort((a, b) => compareNames(a.name, b.name));
  }
}
