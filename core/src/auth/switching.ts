import { randomBytes } from "node:crypto";
import { EtcdError } from "../errors.js";
import { TOKEN_KEY_BYTES } from "./entries.js";
import type { AuthRecords } from "./records.js";
import { ROOT } from "./rights.js";

/** Turns access control on; the role "root" itself need not exist. True when it was off. */
export function enable(records: AuthRecords): boolean {
  const { state } = records;
  if (state.enabled) return false;
  const root = records.user(ROOT);
  if (!root) throw new EtcdError("rootUserNotExist");
  if (!root.roles.includes(ROOT)) throw new EtcdError("rootRoleNotExist");
  // As in etcd, the auth revision moves when it is turned off, not when it is turned on.
  records.writeState({ ...state, enabled: true, tokenKey: randomBytes(TOKEN_KEY_BYTES) });
  return true;
}

export function disable(records: AuthRecords): void {
  if (!records.state.enabled) return;
  records.writeState({ enabled: false, revision: records.nextRevision, tokenKey: Buffer.alloc(0) });
}
