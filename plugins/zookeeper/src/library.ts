import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import zookeeper, { type ACL, type Client } from "node-zookeeper-client";
import { FrameSplitter } from "./frames.js";
import type { Server } from "./options.js";

/** The library's own numbers of its connection's states. */
export const ConnectionState = { DISCONNECTED: 0, CONNECTED: 2, AUTHENTICATION_FAILED: -4 } as const;

/** What the library keeps to itself, and what must be held to make it one connection and no more. */
export interface ConnectionManager extends EventEmitter {
  servers: Server[];
  /** Newest transaction that this client has seen; a server that lags behind it refuses the session. */
  zxid: Buffer;
  socket?: Socket;
  connectTimeoutHandler: NodeJS.Timeout | null;
  connect(): void;
  onSocketData(frame: Buffer): void;
  getSessionTimeout(): number;
}

export interface LibraryClient {
  readonly client: Client;
  readonly manager: ConnectionManager;
}

export interface LibrarySettings {
  readonly server: Server;
  readonly sessionTimeoutMs: number;
  readonly auth: string | undefined;
  readonly zxid: Buffer | undefined;
  /** Bytes have arrived. */
  onBytes(): void;
  /** The library threw while it handled an answer: its callback was not, or not wholly, run. */
  onThrown(error: unknown): void;
}

/**
 * A client of the library that begins to connect to one server, and stays dead after that connection.
 *
 * Its own reconnecting is switched off: it keeps half a frame of the old connection and prepends it to the
 * new one, sends requests of which the caller was told nothing, never notices a server that is silent, and
 * stays dead after an expired session anyway. Nothing of ours is bound to a session but watches, which are
 * armed anew.
 */
export function newClient(settings: LibrarySettings): LibraryClient {
  const client = zookeeper.createClient("replaced-below", {
    sessionTimeout: settings.sessionTimeoutMs,
    retries: 0,
  });
  if (settings.auth !== undefined) client.addAuthInfo("digest", Buffer.from(settings.auth));
  const { connectionManager: manager } = client as unknown as { connectionManager: ConnectionManager };
  // its parser of addresses does not know IPv6
  manager.servers = [settings.server];
  if (settings.zxid) manager.zxid = settings.zxid;

  // it joins its buffer anew for every chunk that arrives, and throws on codes that it does not know
  const handle = manager.onSocketData;
  const splitter = new FrameSplitter();
  manager.onSocketData = (chunk) => {
    settings.onBytes();
    for (const frame of splitter.push(chunk)) {
      try {
        handle.call(manager, frame);
      } catch (error) {
        settings.onThrown(error);
      }
    }
  };
  client.connect();
  manager.connect = () => {};
  return { client, manager };
}

export const acls: Record<"open" | "creator-all", ACL[]> = {
  open: [new zookeeper.ACL(zookeeper.Permission.ALL, new zookeeper.Id("world", "anyone"))],
  "creator-all": [new zookeeper.ACL(zookeeper.Permission.ALL, new zookeeper.Id("auth", ""))],
};
