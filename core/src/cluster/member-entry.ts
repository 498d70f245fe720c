import { createHash } from "node:crypto";

/** In the registry; entries of this prefix say who is alive now, and are no part of a snapshot. */
export const MEMBER_PREFIX = "member/";

/** One adapter as the others of its backend see it. */
export interface Member {
  /** uint64 */
  readonly id: bigint;
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly peerUrls: readonly string[];
}

/** The process behind a member. */
export interface Process {
  readonly host: string;
  readonly pid: number;
  /** Random, one for each start. */
  readonly run: string;
}

export interface MemberEntry extends Member {
  readonly process: Process;
  /** Counts renewals: that it changes is what shows that the member lives. */
  readonly beat: number;
}

export function memberEntry(id: bigint): string {
  return MEMBER_PREFIX + id.toString();
}

/** The member that a registry entry is about; undefined when it is about something else. */
export function memberOfEntry(key: string): bigint | undefined {
  return key.startsWith(MEMBER_PREFIX) ? BigInt(key.slice(MEMBER_PREFIX.length)) : undefined;
}

export function encodeMember({ name, clientUrls, peerUrls, process, beat }: MemberEntry): Buffer {
  return Buffer.from(JSON.stringify({ name, clientUrls, peerUrls, process, beat }));
}

export function decodeMember(id: bigint, bytes: Buffer): MemberEntry {
  return { ...(JSON.parse(bytes.toString()) as Omit<MemberEntry, "id">), id };
}

/** What makes a member the same one after a restart. */
export interface Likeness {
  readonly clusterId: bigint;
  readonly host: string;
  readonly name: string;
  readonly clientUrls: readonly string[];
}

/** A member's id. `attempt` tells those apart that are alike in everything else. */
export function memberIdOf({ clusterId, host, name, clientUrls }: Likeness, attempt: number): bigint {
  const likeness = JSON.stringify([clusterId.toString(), host, name, clientUrls, attempt]);
  const id = createHash("sha256").update(likeness).digest().readBigUInt64BE(0);
  // 0 means "no member" to clients.
  return id === 0n ? 1n : id;
}
