import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";
import { FaultProxy } from "../servers/fault-proxy.js";
import type { WallClock } from "./clock.js";

/** One adapter of several, which reaches the backend through proxies of its own. */
export class Member {
  client: GrpcClient;
  /** Whether a fault that the test made keeps it down. */
  down = false;
  private lives = 0;

  private constructor(
    readonly index: number,
    readonly process: AdapterProcess,
    readonly proxies: readonly FaultProxy[],
    readonly clock: WallClock | undefined,
  ) {
    this.client = new GrpcClient(process.address);
  }

  static async start(index: number, storage: string, clock?: WallClock): Promise<Member> {
    const { url, proxies } = await behindProxies(storage);
    const args = [`--name=adapter-${index}`, "--log-level=info", "--watch-progress-notify-interval=500ms"];
    const started = await startAdapterProcess(url, { args, ...(clock && { env: clock.env }) });
    return new Member(index, started, proxies, clock);
  }

  get incarnation(): string {
    return `${this.index}.${this.lives}`;
  }

  async crash(): Promise<void> {
    this.down = true;
    await this.process.kill9();
  }

  /** An orderly end, as at an upgrade; `revive` follows. */
  async end(): Promise<void> {
    this.down = true;
    await this.process.stop();
  }

  /** As a supervisor would: again and again until it stays up. */
  async revive(): Promise<void> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      try {
        await this.process.restart();
        break;
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
    }
    this.lives++;
    this.client.close();
    this.client = new GrpcClient(this.process.address);
    this.down = false;
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.process.stop();
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
  }
}

/** The storage's URL with a proxy in the place of each of its servers. */
async function behindProxies(storage: string): Promise<{ url: string; proxies: FaultProxy[] }> {
  if (!storage.includes("//")) return { url: storage, proxies: [] };
  const parts = /^(\w+:\/\/(?:[^@/]*@)?)([^/?]+)(.*)$/.exec(storage);
  if (!parts) throw new Error(`${storage} names no server`);
  const [, scheme, hosts, rest] = parts as unknown as [string, string, string, string];
  const proxies = await Promise.all(
    hosts.split(",").map((address) => {
      const [host, port] = address.split(":") as [string, string];
      return FaultProxy.start({ host, port: Number(port) });
    }),
  );
  return { url: scheme + proxies.map((proxy) => `127.0.0.1:${proxy.port}`).join(",") + rest, proxies };
}
