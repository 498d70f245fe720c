import type { Identity } from "./access.js";
import type { User } from "./entries.js";
import type { Rights } from "./rights.js";

/** `--auth-token`: how tokens are made and read. */
export interface TokenProvider {
  /** Does beforehand what takes a while; `identify` can't wait, since it is asked while a group is committed. */
  prepare(token: string): Promise<void> | undefined;
  /** Whose token it is under these rights; undefined when it is none, or no longer. */
  identify(token: string, rights: Rights): Identity | undefined;
  issue(user: User, rights: Rights): Promise<string>;
  close(): void;
}
