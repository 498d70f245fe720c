/** `--listen-metrics-urls`: plain routes on addresses of their own, by HTTP/1.1 alone. */
import { Greeter } from "./connection.js";
import { HttpTransport } from "./http.js";
import type { Listener } from "./listener.js";
import { DEFAULT_TIMEOUTS, type ListenerOptions, type Timeouts } from "./options.js";
import { Peers } from "./peers.js";
import { Port, within } from "./port.js";

export interface MetricsListenerOptions extends Pick<ListenerOptions, "urls" | "logger" | "tls"> {
  readonly plainRoutes: NonNullable<ListenerOptions["plainRoutes"]>;
  readonly timeouts?: Partial<Timeouts> | undefined;
}

/**
 * Beside those of clients, whose number has a limit of its own: of the files that are left for the process itself,
 * probes and Prometheus never need more.
 */
const MAX_CONNECTIONS = 50;

/** No route reads a body; this is what is thrown away for the connection's sake. */
const MAX_BODY_BYTES = 64 * 1024;

/** Rejects with a ListenError if one of the addresses cannot be had; then none is. */
export async function startMetricsListener(options: MetricsListenerOptions): Promise<Listener> {
  const { urls, logger, tls, plainRoutes } = options;
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const peers = new Peers(false);
  const http = new HttpTransport({
    plainRoutes,
    timeouts,
    logger,
    maxReceiveBytes: MAX_BODY_BYTES,
    corsOrigins: new Set(),
    peerOf: (socket) => peers.of(socket),
  });
  const greeter = new Greeter(timeouts.helloMs, {
    http1: (socket) => http.accept(socket),
    http2: (socket) => socket.destroy(),
  });
  const port = new Port({
    flag: "--listen-metrics-urls",
    tls,
    logger,
    protocols: ["http/1.1"],
    helloMs: timeouts.helloMs,
    maxConnections: MAX_CONNECTIONS,
    accept: (socket) => {
      peers.add(socket);
      greeter.greet(socket);
    },
  });
  const close = async (graceMs: number): Promise<void> => {
    const closed = port.stopListening();
    greeter.close();
    http.drain();
    await within(graceMs, [closed]);
    port.destroy();
    await closed;
  };
  try {
    const addresses = await port.open(urls);
    return { addresses, secure: (context) => port.secure(context), close };
  } catch (error) {
    await close(0);
    throw error;
  }
}
