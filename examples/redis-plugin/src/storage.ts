import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type LogStorage, type PluginContext, StorageError } from "@etcd-adapter/core/storage";
import { createClient, RESP_TYPES } from "redis";
import { fromRedis, type Purpose } from "./errors.js";
import type { RedisOptions } from "./options.js";
import { APPEND, READ, REPLACE_SNAPSHOT } from "./scripts.js";

const LEFTOVER_SECONDS = 600;

export function createStorage({ server, prefix }: RedisOptions, logger: PluginContext["logger"]): LogStorage {
  const client = createClient({
    url: server,
    // with its queue an append could be sent long after its caller was told that it was not made
    disableOfflineQueue: true,
    pingInterval: 3_000,
    socket: { socketTimeout: 10_000, reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 2_000) },
  }).on("error", (error) => logger.debug({ err: error }, "Redis"));
  const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  // the braces keep all keys in one slot of a Redis Cluster
  const key = (name: string) => `{${prefix}}:${name}`;
  const logKeys = [key("last"), key("log")];

  const run = <Answer>(answer: Promise<Answer>, purpose?: Purpose): Promise<Answer> =>
    answer.catch((error) => {
      throw client.isOpen ? fromRedis(error, purpose) : new StorageError("closed", "the storage was closed");
    });

  async function* readChunks(list: string, length: number) {
    for (let index = 0; index < length; index++) {
      const chunk = await run(binary.lIndex(list, index));
      if (!chunk) throw new StorageError("unavailable", "the snapshot was replaced and is gone");
      yield chunk;
    }
  }

  return {
    shared: true,

    async open() {
      // the client itself would go on trying, whatever is wrong
      const failure = once(client, "error").then(([error]) => Promise.reject(error));
      await run(Promise.race([client.connect(), failure]), "open");
      const config = await run(client.configGet(["appendonly", "appendfsync", "maxmemory-policy"]), "open");
      if (config["maxmemory-policy"]?.startsWith("allkeys"))
        throw new StorageError("misconfigured", "Redis may evict the log: set maxmemory-policy noeviction");
      if (config.appendonly !== "yes" || config.appendfsync !== "always")
        logger.warn("Redis can lose acknowledged writes: set appendonly yes and appendfsync always");
    },

    async close() {
      client.destroy();
    },

    async last() {
      return BigInt((await run(client.get(key("last")))) ?? 0);
    },

    async append(sequence, encode) {
      const values = [`${sequence - 1n}`, `${sequence}`, encode()];
      const done = await run(client.eval(APPEND, { keys: logKeys, arguments: values }), "append");
      if (done !== 1) throw new StorageError("conflict", `segment ${sequence} does not follow the newest`);
    },

    async read(after, limitBytes) {
      const wanted = { keys: logKeys, arguments: [`${after + 1n}`, `${limitBytes}`] };
      const found = await run(binary.eval(READ, wanted));
      return (found as Buffer[]).map((bytes, index) => ({ sequence: after + BigInt(index + 1), bytes }));
    },

    async trim(through) {
      await run(client.xTrim(key("log"), "MINID", `${through + 1n}-0`));
    },

    async saveSnapshot({ sequence, chunks }) {
      const list = key(`snapshot:${randomUUID()}`);
      let length = 0;
      for await (const chunk of chunks) {
        await run(client.multi().rPush(list, chunk).expire(list, LEFTOVER_SECONDS).exec());
        length++;
      }
      const values = [`${sequence}`, `${length}`, `${LEFTOVER_SECONDS}`];
      await run(client.eval(REPLACE_SNAPSHOT, { keys: [key("snapshot"), list], arguments: values }));
    },

    async loadSnapshot() {
      const { sequence, list, length } = await run(client.hGetAll(key("snapshot")));
      if (!sequence || !list) return undefined;
      return { sequence: BigInt(sequence), chunks: readChunks(list, Number(length)) };
    },

    async size() {
      const list = (await run(client.hGet(key("snapshot"), "list"))) ?? "";
      const log = await run(client.memoryUsage(key("log")));
      const total = BigInt((log ?? 0) + ((await run(client.memoryUsage(list))) ?? 0));
      return { total, inUse: total };
    },

    async subscribe(listener) {
      const moved = () => listener.onMoved();
      // no onLost: pushes come through the connection of the calls, so without it polling fails too
      client.on("ready", moved);
      await run(client.subscribe(key("last"), moved));
      return async () => {
        client.off("ready", moved);
        await client.unsubscribe(key("last"), moved).catch(() => {});
      };
    },
  };
}
