import {
  type ServerKind,
  type ServerSettings,
  serverOptions,
  serverOptionsFromUrl,
} from "@etcd-adapter/core/storage/sql";

const SSL_MODES: Readonly<Record<string, string>> = {
  disable: "off",
  allow: "insecure",
  prefer: "insecure",
  require: "insecure",
  "verify-ca": "verify",
  "verify-full": "verify",
};

/** libpq's parameters, for who pastes a URL that psql takes. */
const kind: ServerKind = {
  schemes: ["postgres", "postgresql"],
  defaultPort: 5432,
  aliases: {
    sslmode: (value) => ({ tls: SSL_MODES[value] ?? value }),
    sslrootcert: (value) => ({ "tls-ca": value }),
    sslcert: (value) => ({ "tls-cert": value }),
    sslkey: (value) => ({ "tls-key": value }),
    dbname: (value) => ({ database: value }),
  },
};

export const options = serverOptions(kind);

export type PostgresOptions = ServerSettings;

export function fromUrl(url: string): unknown {
  return serverOptionsFromUrl(url, kind);
}
