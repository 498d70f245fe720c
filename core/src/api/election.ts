import { create } from "@bufbuild/protobuf";
import { EtcdError } from "../errors.js";
import {
  CampaignResponseSchema,
  Election,
  type LeaderKey,
  LeaderResponseSchema,
  ProclaimResponseSchema,
  ResignResponseSchema,
} from "../gen/v3electionpb/election_pb.js";
import type { WatchHub } from "../mvcc/watch/hub.js";
import { campaign, proclaim, resign } from "./candidate.js";
import type { Headers } from "./header.js";
import { type LocalClient, withoutCodes } from "./local-client.js";
import { leaderOf, observeLeaders } from "./observer.js";
import { queuePrefix, sessionLease } from "./queue.js";
import { defineService, type Service } from "./service.js";

/** Elections as keys in a queue, each held by its candidate's lease; the oldest key is the leader's. */
export function electionService(client: LocalClient, hub: WatchHub, headers: Headers): Service {
  return defineService(Election, {
    campaign: (request, context) =>
      withoutCodes(async () => {
        const { name, value } = request;
        const lease = await sessionLease(client, context, request.lease);
        const won = await campaign(client, hub, context, { prefix: queuePrefix(name), lease, value });
        return create(CampaignResponseSchema, {
          header: won.header,
          leader: { name, key: won.key, rev: won.revision, lease },
        });
      }),

    proclaim: (request, context) =>
      withoutCodes(async () => {
        const leader = required(request.leader);
        const lease = await sessionLease(client, context, leader.lease);
        const term = { key: leader.key, revision: leader.rev };
        return create(ProclaimResponseSchema, {
          header: await proclaim(client, context, term, lease, request.value),
        });
      }),

    leader: (request, context) =>
      withoutCodes(async () => {
        const found = await leaderOf(client, context, queuePrefix(request.name));
        if (!found.kv) throw new EtcdError("electionNoLeader");
        return create(LeaderResponseSchema, { header: found.header, kv: found.kv });
      }),

    observe: (call) =>
      withoutCodes(async () => {
        for await (const { name } of call.requests) {
          const leaders = observeLeaders(client, hub, call.context, queuePrefix(name));
          for await (const { kv, revision } of leaders) {
            call.send(create(LeaderResponseSchema, { header: headers.message(revision), kv }));
          }
        }
      }),

    resign: (request, context) =>
      withoutCodes(async () => {
        const leader = required(request.leader);
        await sessionLease(client, context, leader.lease);
        const header = await resign(client, context, { key: leader.key, revision: leader.rev });
        return create(ResignResponseSchema, { header });
      }),
  });
}

function required(leader: LeaderKey | undefined): LeaderKey {
  if (!leader) throw new EtcdError("missingLeaderKey");
  return leader;
}
