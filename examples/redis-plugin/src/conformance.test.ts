import { randomUUID } from "node:crypto";
import { conformance } from "@etcd-adapter/plugin-kit";
import { createClient } from "redis";
import plugin from "./index.js";

const address = process.env.REDIS ?? "127.0.0.1:6379";

conformance({
  plugin,
  backend: async () => {
    const prefix = `kit-${randomUUID()}`;
    const remove = async () => {
      const client = await createClient({ url: `redis://${address}` }).connect();
      for await (const keys of client.scanIterator({ MATCH: `{${prefix}}*` }))
        if (keys.length > 0) await client.unlink(keys);
      await client.close();
    };
    return { url: `redis-log://${address}/${prefix}`, remove };
  },
});
