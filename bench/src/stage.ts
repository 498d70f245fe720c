import { messageOf } from "@etcd-adapter/test/dist/servers/index.js";
import type { Load } from "./load.js";
import { type StorageServer, storageServers } from "./storage-servers.js";
import type { StartContext, Subject, SubjectPlan } from "./subjects.js";

/** What can't be started here is named in the report, and the others are measured. */
export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

/** A subject with the storage's server behind it. */
export interface Performer {
  readonly plan: SubjectPlan;
  readonly subject: Subject;
  readonly server: StorageServer | undefined;
}

/** Starts subjects and the servers that they need, lets `play` use them, and stops and removes all of them. */
export async function onStage(
  plans: readonly SubjectPlan[],
  setting: { readonly load: Load; readonly profiles: string | undefined },
  play: (performers: readonly Performer[]) => Promise<void>,
): Promise<LeftOut[]> {
  const servers = new Map<string, Promise<StorageServer>>();
  const context: StartContext = {
    ...setting,
    server: async (storage) => {
      const start = storageServers[storage];
      if (start !== undefined && !servers.has(storage)) servers.set(storage, start());
      return servers.get(storage);
    },
  };
  const performers: Performer[] = [];
  const leftOut: LeftOut[] = [];
  try {
    for (const plan of plans) {
      try {
        const subject = await plan.start(context);
        performers.push({ plan, subject, server: await context.server(plan.storage ?? "") });
      } catch (error) {
        leftOut.push({ name: plan.name, reason: messageOf(error) });
      }
    }
    await play(performers);
  } finally {
    for (const { subject } of performers) await subject.process[Symbol.asyncDispose]();
    for (const [, starting] of servers) {
      const server = await starting.catch(() => undefined);
      await server?.process[Symbol.asyncDispose]();
    }
  }
  return leftOut;
}
