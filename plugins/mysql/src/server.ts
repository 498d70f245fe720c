import { StorageError } from "@etcd-adapter/core/storage";
import type { Row } from "./connection.js";

export type Family = "MySQL" | "MariaDB" | "TiDB";

/** Which of the three it is, and what it takes. */
export interface Server {
  readonly family: Family;
  readonly version: string;
  readonly maxPacketBytes: number;
}

/** TiDB alone knows it. */
export const TIDB_STORE = "select json_unquote(json_extract(@@tidb_config, '$.store'))";

/** The store inside TiDB's own process, which is for tests and trials. */
export const BUILT_IN_STORE = "unistore";

export const IDENTIFY = "select version(), @@max_allowed_packet";

const OLDEST: Readonly<Record<Family, readonly [major: number, minor: number]>> = {
  MySQL: [8, 0],
  MariaDB: [10, 6],
  TiDB: [6, 0],
};

/** A request of etcd's 1.5 MiB is 3 MiB in a statement, where bytes are two digits each. */
const LEAST_PACKET_BYTES = 4 << 20;

export function identify([version, maxPacketBytes]: Row, where: string): Server {
  const server = { ...parse(String(version)), maxPacketBytes: Number(maxPacketBytes) };
  const [major, minor] = OLDEST[server.family];
  const [ownMajor = 0, ownMinor = 0] = server.version.split(".").map(Number);
  if (ownMajor < major || (ownMajor === major && ownMinor < minor)) {
    throw new StorageError(
      "misconfigured",
      `${where} is ${server.family} ${server.version}: upgrade it to ${server.family} ${major}.${minor} or newer`,
    );
  }
  if (server.maxPacketBytes < LEAST_PACKET_BYTES) {
    throw new StorageError(
      "misconfigured",
      `${where} takes statements of ${server.maxPacketBytes} bytes only: set its max_allowed_packet to 16M or more`,
    );
  }
  return server;
}

/** TiDB says `8.0.11-TiDB-v8.4.0`, MariaDB `10.11.6-MariaDB` (with `5.5.5-` before it to old clients), MySQL `8.4.2`. */
function parse(text: string): { family: Family; version: string } {
  const tidb = /TiDB-v?(\d+\.\d+\.\d+)/i.exec(text);
  if (tidb) return { family: "TiDB", version: tidb[1]! };
  const version = /(\d+\.\d+\.\d+)/.exec(text.replace(/^5\.5\.5-/, ""))?.[1] ?? text;
  return { family: /MariaDB/i.test(text) ? "MariaDB" : "MySQL", version };
}
