import { isIPv6, type Socket } from "node:net";
import type { Peer } from "../service.js";

export function peerOf(socket: Socket): Peer {
  const { remoteAddress, remotePort } = socket;
  return {
    address: remoteAddress === undefined ? "unix" : hostAndPort(remoteAddress, remotePort ?? 0),
    socket,
  };
}

function hostAndPort(address: string, port: number): string {
  const host = address.replace(/^::ffff:(?=\d+\.)/, "");
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
