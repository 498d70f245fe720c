import { connect } from "node:net";
import { temporaryFolder } from "./folders.js";
import { freePort, host } from "./ports.js";
import { ServerProcess } from "./process.js";
import { requireProgram } from "./programs.js";

export interface RedisOptions {
  /** Settings ("maxmemory": "10mb"); each write is synced to disk unless named here. */
  readonly settings?: Readonly<Record<string, string>>;
}

export type RedisServer = ServerProcess & {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Sends one command and gives the raw answer, in Redis's protocol ("+PONG"). */
  command(...words: string[]): Promise<string>;
};

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const program = requireProgram("redis-server", "redis-server");
  const folder = temporaryFolder("redis");
  const port = await freePort();
  const settings = {
    bind: host,
    port: String(port),
    dir: folder,
    appendonly: "yes",
    appendfsync: "always",
    save: "",
    ...options.settings,
  };
  const command = (...words: string[]) => send(port, words);
  const server = await ServerProcess.start({
    name: "Redis",
    program,
    args: Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
    folder,
    probe: async () => {
      const answer = await command("PING");
      if (answer !== "+PONG") throw new Error(answer);
    },
  });
  return Object.assign(server, { host, port, url: `redis://${host}:${port}`, command });
}

function send(port: number, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const bulks = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("");
    // QUIT makes the server close the connection, which marks the end of the answer
    const socket = connect({ port, host }, () =>
      socket.write(`*${words.length}\r\n${bulks}*1\r\n$4\r\nQUIT\r\n`),
    );
    socket.setTimeout(2000, () => socket.destroy(new Error("Redis did not answer within 2 s")));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () =>
      resolve(
        Buffer.concat(chunks)
          .toString()
          .replace(/(\r\n)?\+OK\r\n$/, ""),
      ),
    );
  });
}
