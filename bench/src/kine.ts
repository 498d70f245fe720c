import {
  built,
  freePort,
  host,
  ServerProcess,
  temporaryFolder,
} from "@etcd-adapter/test/dist/servers/index.js";
import type { Load } from "./load.js";
import type { StorageServer } from "./storage-servers.js";

export interface Kine {
  readonly process: ServerProcess;
  /** HOST:PORT */
  readonly target: string;
  /** Makes that many keys by one statement, on an SQL server: its own writes would take up to half an hour. */
  readonly seed?: (keys: number) => Promise<void>;
}

// PostgreSQL takes 100; when one is refused, kine acknowledges a create that it has not made
const databaseConnections = 64;

/** kine on a fresh database of that server, or on an SQLite file of its own with the settings that it chooses. */
export async function startKine(server: StorageServer | undefined, load: Load): Promise<Kine> {
  const { kine } = await built("kine");
  const target = `${host}:${await freePort()}`;
  const databaseUrl = await server?.fresh();
  const process = await ServerProcess.start({
    name: "kine",
    program: kine,
    args: [
      `--listen-address=tcp://${target}`,
      `--endpoint=${endpointOf(databaseUrl)}`,
      `--datastore-max-open-connections=${databaseConnections}`,
      "--metrics-bind-address=0",
    ],
    folder: temporaryFolder("kine"),
    probe: () => load(target, ["ready"]),
  });
  const sql = server?.sql;
  if (sql === undefined || databaseUrl === undefined) return { process, target };
  return {
    process,
    target,
    seed: async (keys) => {
      // its schema is there after the first start; the next one takes the rows for its own
      await process.stop();
      const postgres = databaseUrl.startsWith("postgres:");
      await sql(seedStatement(keys, postgres), databaseUrl);
      // rows that came one by one would have been counted long before
      await sql(postgres ? "ANALYZE kine" : "ANALYZE TABLE kine", databaseUrl);
      await process.restart();
    },
  };
}

function endpointOf(databaseUrl: string | undefined): string {
  if (databaseUrl === undefined) return "sqlite://";
  const { protocol, username, password, host: address, pathname } = new URL(databaseUrl);
  if (protocol === "postgres:") return `${databaseUrl}?sslmode=disable`;
  return `mysql://${username}:${password}@tcp(${address})${pathname}`;
}

/** The keys that the load generator's `fill` makes, as rows of creates. */
function seedStatement(keys: number, postgres: boolean): string {
  const digits =
    "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
  const places = ["a", "b", "c", "d", "e", "f"];
  const number = places.map((place, index) => `${place}.d * ${10 ** index}`).join(" + ");
  const numbers = `SELECT ${number} AS n FROM ${places.map((place) => `${digits} ${place}`).join(", ")}`;
  const part = (value: string, width: number) =>
    postgres ? `lpad((${value})::text, ${width}, '0')` : `lpad(${value}, ${width}, '0')`;
  const name = `concat('/list/d', ${part(postgres ? "n / 1000" : "n DIV 1000", 4)}, '/k', ${part("mod(n, 1000)", 3)})`;
  const value = postgres ? "convert_to(repeat('v', 256), 'UTF8')" : "repeat('v', 256)";
  return (
    "INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value, old_value) " +
    `SELECT ${name}, 1, 0, 0, 0, 0, ${value}, NULL FROM (${numbers}) numbers WHERE n < ${keys}`
  );
}
