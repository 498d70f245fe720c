import type { Store } from "../mvcc/store.js";
import {
  decodeMember,
  encodeMember,
  MEMBER_PREFIX,
  type Member,
  type MemberEntry,
  memberEntry,
  memberIdOf,
} from "./member-entry.js";
import { mayRun, startRun } from "./process.js";

/** Writes the entry of a member that starts, under the first of its ids that no other live member holds. */
export function enter(store: Store, clusterId: bigint, member: Omit<Member, "id">): Promise<MemberEntry> {
  const process = startRun();
  const likeness = { clusterId, host: process.host, name: member.name, clientUrls: member.clientUrls };
  return store.committer.propose<MemberEntry>({
    keys: [],
    bytes: 256,
    evaluate: (draft) => {
      if (!store.storage.shared) {
        // Whoever is listed here died without leaving: the storage has no second user.
        for (const [key] of store.follower.registry.withPrefix(MEMBER_PREFIX)) draft.registryPut(key, null);
      }
      for (let attempt = 0; ; attempt++) {
        const id = memberIdOf(likeness, attempt);
        const bytes = draft.registryGet(memberEntry(id));
        if (bytes && mayRun(decodeMember(id, bytes).process)) continue;
        const entry: MemberEntry = { ...member, id, process, beat: 0 };
        draft.registryPut(memberEntry(id), encodeMember(entry));
        return entry;
      }
    },
  });
}
