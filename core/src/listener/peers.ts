import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Peer } from "../api/service.js";

const UNKNOWN: Peer = { address: "unknown" };

/** Who is at the other end of each open connection, worked out once per connection. */
export class Peers {
  private readonly bySocket = new WeakMap<Socket, Peer>();
  /** gRPC calls know their connection by its address alone. */
  private readonly byAddress = new Map<string, Peer>();

  constructor(private readonly namesByCertificate: boolean) {}

  add(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    const certificateName = this.namesByCertificate ? certificateNameOf(socket) : undefined;
    const peer: Peer = {
      address: remoteAddress === undefined ? "unix" : hostAndPort(remoteAddress, remotePort ?? 0),
      ...(certificateName !== undefined && { certificateName }),
    };
    this.bySocket.set(socket, peer);
    const key = `${remoteAddress}:${remotePort}`;
    this.byAddress.set(key, peer);
    socket.once("close", () => {
      if (this.byAddress.get(key) === peer) {
        this.byAddress.delete(key);
      }
    });
  }

  of(socket: Socket): Peer {
    return this.bySocket.get(socket) ?? this.at(`${socket.remoteAddress}:${socket.remotePort}`);
  }

  at(address: string): Peer {
    return this.byAddress.get(address) ?? UNKNOWN;
  }
}

function hostAndPort(address: string, port: number): string {
  const host = address.replace(/^::ffff:(?=\d+\.)/, "");
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Empty when the certificate has no common name: in etcd that is a user without rights, too. */
function certificateNameOf(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) {
    return undefined;
  }
  const name = socket.getPeerCertificate().subject?.CN as string | string[] | undefined;
  // Of several the last one, as Go takes it.
  return (Array.isArray(name) ? name.at(-1) : name) ?? "";
}
