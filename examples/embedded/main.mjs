/** The adapter inside a program of its own: no port, etcd's key space, watch and transactions in the process. */
import { startEmbedded } from "@etcd-adapter/core";

const adapter = await startEmbedded({ storage: "memory:", "listen-client-urls": [] });
const { client } = adapter;

const seen = (async () => {
  for await (const message of client.watch({ key: Buffer.from("greeting") })) {
    for (const { kv } of message.events) return Buffer.from(kv.value).toString();
  }
})();

await client.put("greeting", "hello");
console.log(`read  ${await client.get("greeting")}`);
console.log(`watch ${await seen}`);

await adapter.close();
