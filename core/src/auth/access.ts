import { EtcdError } from "../errors.js";
import type { Operation } from "../mvcc/operations.js";
import type { Rights, UserRights } from "./rights.js";

/** Who calls, proved by a token or a certificate. */
export interface Identity {
  readonly name: string;
  /** The auth revision that the proof is good for. */
  readonly revision: bigint;
}

export type AccessKind = "read" | "write";

export const NO_END: Buffer = Buffer.alloc(0);

/** What one caller may do at one moment; which error a refusal gets is etcd's choice to the letter. */
export class Access {
  constructor(
    private readonly rights: Rights,
    /** undefined: the caller has shown nothing. */
    readonly identity: Identity | undefined,
  ) {}

  requireUser(): void {
    if (!this.identity) throw new EtcdError("userEmpty");
  }

  /** An old token is good enough here: otherwise an administrator could make one change with each. */
  requireRoot(): void {
    if (!this.identity || this.identity.name === "") throw new EtcdError("userEmpty");
    if (!this.user) throw new EtcdError("userNotFound");
    if (!this.user.isRoot) throw new EtcdError("permissionDenied");
  }

  get isRoot(): boolean {
    return this.user?.isRoot ?? false;
  }

  hasRole(role: string): boolean {
    return this.user?.user.roles.includes(role) ?? false;
  }

  /** Of a read etcd wants a proof that is not old even if nothing has to be permitted: an empty transaction. */
  refuseOld(): void {
    if (!this.identity || this.identity.revision === 0n) return;
    if (this.identity.revision < this.rights.state.revision) throw new EtcdError("authOldRevision");
  }

  permit(kind: AccessKind, key: Buffer, rangeEnd: Buffer): void {
    if (!this.identity || this.identity.revision === 0n) throw new EtcdError("userEmpty");
    this.refuseOld();
    if (this.isRoot || this.user?.[kind].cover(key, rangeEnd)) return;
    throw new EtcdError("permissionDenied");
  }

  /**
   * Permits what the operation names, in a transaction both branches and all that is nested; adds to `leases`
   * those whose keys have to be permitted too. In which order is all the same: one caller is always refused
   * with one error.
   */
  permitOperation(operation: Operation, leases: Set<bigint>): void {
    switch (operation.type) {
      case "range":
        this.permit("read", operation.key, operation.rangeEnd);
        return;
      case "put":
        this.permit("write", operation.key, NO_END);
        if (operation.prevKv) this.permit("read", operation.key, NO_END);
        if (operation.lease !== 0n && !this.isRoot) leases.add(operation.lease);
        return;
      case "delete":
        this.permit("write", operation.key, operation.rangeEnd);
        if (operation.prevKv) this.permit("read", operation.key, operation.rangeEnd);
        return;
      case "txn":
        for (const compare of operation.compares) this.permit("read", compare.key, compare.rangeEnd);
        for (const nested of operation.success) this.permitOperation(nested, leases);
        for (const nested of operation.failure) this.permitOperation(nested, leases);
    }
  }

  private get user(): UserRights | undefined {
    return this.identity && this.rights.user(this.identity.name);
  }
}
