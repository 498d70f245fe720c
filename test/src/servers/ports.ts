import { createServer } from "node:net";

export const host = "127.0.0.1";

// Below the range from which the kernel takes the ports of outgoing connections (32768 and up on Linux):
// otherwise a client's own port could take a server's port between its stop and its restart.
const lowestPort = 15_000;
const portCount = 17_000;

const handedOut = new Set<number>();

/** Ports of 127.0.0.1 on which nobody listens; this process hands out none of them twice. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    if (handedOut.size >= portCount) throw new Error("no free port is left");
    const port = lowestPort + Math.floor(Math.random() * portCount);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port!;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const listener = createServer();
    listener.once("error", () => resolve(false));
    listener.listen({ port, host, exclusive: true }, () => listener.close(() => resolve(true)));
  });
}
