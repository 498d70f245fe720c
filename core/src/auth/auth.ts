import type { Logger } from "pino";
import type { CallContext } from "../api/service.js";
import { Code, EtcdError } from "../errors.js";
import type { Draft } from "../mvcc/draft.js";
import { retryRead } from "../mvcc/faults.js";
import type { Guard, OperationGuard } from "../mvcc/guard.js";
import type { Operation } from "../mvcc/operations.js";
import type { Store } from "../mvcc/store.js";
import { isReadOnly } from "../mvcc/transaction.js";
import type { Head } from "../storage/index.js";
import { type Access, type AccessKind, NO_END } from "./access.js";
import { type TokenOptions, tokenProvider } from "./auth-token.js";
import { Caller } from "./caller.js";
import { Passwords } from "./passwords.js";
import { type Lookup, type Rights, rightsOf } from "./rights.js";
import type { TokenProvider } from "./tokens.js";

const NO_GUARD: Guard = () => {};
const REFUSAL_CODES: ReadonlyMap<Code, string> = new Map([
  [Code.invalidArgument, "InvalidArgument"],
  [Code.permissionDenied, "PermissionDenied"],
  [Code.unauthenticated, "Unauthenticated"],
]);
const CATCH_UP_MS = 7_000;

export interface AuthOptions extends TokenOptions {
  /** `--bcrypt-cost` */
  readonly bcryptCost: number;
}

export const DEFAULT_AUTH_OPTIONS: AuthOptions = {
  specification: "simple",
  ttlSeconds: 300,
  bcryptCost: 10,
  now: Date.now,
};

type Check = (access: Access) => void | Promise<void>;
type DraftCheck = (access: Access, draft: Draft) => void | Promise<void>;

/**
 * Access control for the services. A write is checked by a guard inside its proposal, on the state that it
 * commits on; a read on rights that are at least as new as what it read. Before a refusal the rights are brought
 * up to date, so that no adapter denies what another has already granted. While access control is off, all of
 * this is one failed look-up a request.
 */
export class Auth {
  readonly passwords: Passwords;
  readonly tokens: TokenProvider;
  private readonly lookup: Lookup;

  constructor(
    private readonly store: Store,
    options: AuthOptions,
    logger: Logger,
  ) {
    this.passwords = new Passwords(options.bcryptCost);
    this.tokens = tokenProvider(options, store, logger);
    this.lookup = (entry) => store.follower.registry.get(entry);
  }

  async close(): Promise<void> {
    this.tokens.close();
    await this.passwords.close();
  }

  /** The rights as this adapter knows them; undefined while access control is off. */
  get rights(): Rights | undefined {
    return rightsOf(this.lookup);
  }

  /** Any caller that has proved who it is. */
  requireUser(context: CallContext): Promise<void> {
    return this.require(context, (access) => access.requireUser());
  }

  /** A user with the role "root", also by the newest rights: these calls are rare. */
  async requireRoot(context: CallContext): Promise<void> {
    if (this.rights) await this.store.linearize();
    await this.require(context, (access) => access.requireRoot());
  }

  /** What a watcher that may not read the range is told; later on nobody looks at its rights again, as in etcd. */
  async watchRefusal(context: CallContext, key: Buffer, rangeEnd: Buffer): Promise<string | undefined> {
    try {
      await this.require(context, (access) => access.permit("read", key, rangeEnd));
      return undefined;
    } catch (error) {
      const text = error instanceof EtcdError ? refusalText(error) : undefined;
      if (text === undefined) throw error;
      return text;
    }
  }

  /** All keys that are attached to the leases. */
  requireLeases(context: CallContext, leases: readonly bigint[], kind: AccessKind): Promise<void> {
    return this.require(context, async (access) => {
      access.requireUser();
      if (access.isRoot) return;
      for (const lease of leases) permitKeys(access, kind, await this.store.lessor.keys(lease));
    });
  }

  /** Keys that a caller is about to be told, by the newest rights. */
  async requireKeys(context: CallContext, keys: readonly Buffer[]): Promise<void> {
    if (!this.rights || keys.length === 0) return;
    await this.store.linearize();
    await this.require(context, (access) => {
      if (!access.isRoot) permitKeys(access, "read", keys);
    });
  }

  /** For a range, a put, a deletion or a transaction; no promise while access control is off. */
  operationGuard(context: CallContext, operation: Operation): OperationGuard | Promise<OperationGuard> {
    const { rights } = this;
    const check: DraftCheck = (access, draft) => {
      const leases = new Set<bigint>();
      access.permitOperation(operation, leases);
      return leases.size > 0 ? permitLeases(access, leases, draft) : undefined;
    };
    if (!rights) return { write: this.guardOf(new Caller(context, this.tokens), check), read: undefined };
    const isRead = operation.type === "range" || (operation.type === "txn" && isReadOnly(operation));
    return isRead ? this.readGuard(context, operation, rights) : this.writeGuard(context, check);
  }

  /** For revoking a lease: every key that this deletes. */
  leaseGuard(context: CallContext, lease: bigint): Promise<Guard> {
    return this.guard(context, (access, draft) => {
      access.requireUser();
      return access.isRoot ? undefined : permitLeases(access, [lease], draft);
    });
  }

  userGuard(context: CallContext): Promise<Guard> {
    return this.guard(context, (access) => access.requireUser());
  }

  rootGuard(context: CallContext): Promise<Guard> {
    return this.guard(context, (access) => access.requireRoot());
  }

  /** A guard of the proposal's own kind. A bad token is refused at once, before the proposal's size is looked at. */
  async guard(context: CallContext, check: DraftCheck): Promise<Guard> {
    const caller = this.rights ? await this.check(context, () => {}) : new Caller(context, this.tokens);
    return this.guardOf(caller, check);
  }

  private guardOf(caller: Caller, check: DraftCheck): Guard {
    return (draft) => {
      const rights = rightsOf((entry) => draft.registryGet(entry));
      return rights && check(caller.access(rights), draft);
    };
  }

  private async writeGuard(context: CallContext, check: DraftCheck): Promise<OperationGuard> {
    return { write: await this.guard(context, check), read: undefined };
  }

  private async readGuard(
    context: CallContext,
    operation: Operation,
    before: Rights,
  ): Promise<OperationGuard> {
    const check: Check = (access) => {
      access.permitOperation(operation, new Set());
      access.refuseOld();
    };
    const caller = await this.check(context, check);
    return { write: NO_GUARD, read: (head) => this.checkAgain(caller, check, before, head) };
  }

  private async require(context: CallContext, check: Check): Promise<void> {
    if (this.rights) await this.check(context, check);
  }

  /** What was read may be newer than the rights that it was read by. */
  private async checkAgain(caller: Caller, check: Check, before: Rights, head: Head): Promise<void> {
    const { follower } = this.store;
    if (head.sequence > follower.head.sequence) await follower.catchUp();
    const { rights } = this;
    if (rights && !rights.equals(before)) await check(caller.access(rights));
  }

  private async check(context: CallContext, check: Check): Promise<Caller> {
    const caller = new Caller(context, this.tokens);
    await caller.prepare();
    const { sequence } = this.store.follower.head;
    try {
      await this.checkNow(caller, check);
    } catch (error) {
      if (!(error instanceof EtcdError) || !this.store.storage.shared) throw error;
      await retryRead(CATCH_UP_MS, () => this.store.follower.catchUp());
      if (this.store.follower.head.sequence === sequence) throw error;
      await this.checkNow(caller, check);
    }
    return caller;
  }

  private checkNow(caller: Caller, check: Check): void | Promise<void> {
    const { rights } = this;
    return rights && check(caller.access(rights));
  }
}

async function permitLeases(access: Access, leases: Iterable<bigint>, draft: Draft): Promise<void> {
  for (const lease of leases) permitKeys(access, "write", await draft.leaseKeys(lease));
}

function permitKeys(access: Access, kind: AccessKind, keys: readonly Buffer[]): void {
  for (const key of keys) access.permit(kind, key, NO_END);
}

/** How Go prints the status of a refusal; undefined for other errors. */
function refusalText({ code, message }: EtcdError): string | undefined {
  const name = REFUSAL_CODES.get(code);
  return name && `rpc error: code = ${name} desc = ${message}`;
}
