import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Member } from "../cluster/member-entry.js";
import type { Members } from "../cluster/members.js";
import { EtcdError } from "../errors.js";
import { Cluster, MemberListResponseSchema, type MemberSchema } from "../gen/etcdserverpb/cluster_pb.js";
import type { GuardedApi } from "./api.js";
import { defineService, type Service } from "./service.js";

export interface ClusterApi extends GuardedApi {
  readonly members: Members;
}

/**
 * Adapters join and leave by being started and stopped, so the list can be read and not changed: a change is refused
 * with the error of an etcd that can't make it.
 */
export function clusterService({ headers, members, auth }: ClusterApi): Service {
  const requireMember = async (id: bigint): Promise<Member> => {
    const found = (await members.list(true)).find((member) => member.id === id);
    if (!found) throw new EtcdError("memberNotFound");
    return found;
  };
  return defineService(Cluster, {
    async memberAdd(request, context) {
      if (!arePeerUrls(request.peerURLs)) throw new EtcdError("memberBadUrls");
      await auth.requireRoot(context);
      throw new EtcdError("memberNotEnoughStarted");
    },

    async memberRemove(request, context) {
      await auth.requireRoot(context);
      await requireMember(request.ID);
      throw new EtcdError("memberNotEnoughStarted");
    },

    async memberUpdate(request, context) {
      await auth.requireRoot(context);
      await requireMember(request.ID);
      throw new EtcdError("memberNotEnoughStarted");
    },

    async memberList(request, context) {
      const listed = await members.list(request.linearizable);
      await auth.requireUser(context);
      // As in etcd, this header has no revision.
      return create(MemberListResponseSchema, {
        header: headers.message(0n),
        members: listed.map(memberMessage),
      });
    },

    async memberPromote(request, context) {
      await auth.requireRoot(context);
      await requireMember(request.ID);
      throw new EtcdError("memberNotLearner");
    },
  });
}

function memberMessage({ id, name, peerUrls, clientUrls }: Member): MessageInitShape<typeof MemberSchema> {
  return { ID: id, name, peerURLs: [...peerUrls], clientURLs: [...clientUrls] };
}

/** As etcd: some URLs, each http or https with host and port and without a path, or a Unix socket. */
function arePeerUrls(urls: readonly string[]): boolean {
  return urls.length > 0 && urls.every((url) => isPeerUrl(url.trim()));
}

function isPeerUrl(url: string): boolean {
  return /^unixs?:/.test(url) || /^https?:\/\/(\[[^\]]*\]|[^/?#:[\]]*):[^/?#:]*([?#].*)?$/.test(url);
}
