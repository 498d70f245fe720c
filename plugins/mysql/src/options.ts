import {
  type ServerKind,
  type ServerSettings,
  serverOptions,
  serverOptionsFromUrl,
} from "@etcd-adapter/core/storage/sql";

const SSL_MODES: Readonly<Record<string, string>> = {
  DISABLED: "off",
  PREFERRED: "insecure",
  REQUIRED: "insecure",
  VERIFY_CA: "verify",
  VERIFY_IDENTITY: "verify",
};

/** The client programs' options, for who pastes a URL with them. */
const kind: ServerKind = {
  schemes: ["mysql", "mariadb", "tidb"],
  defaultPort: 3306,
  aliases: {
    "ssl-mode": (value) => ({ tls: SSL_MODES[value.toUpperCase()] ?? value }),
    "ssl-ca": (value) => ({ "tls-ca": value }),
    "ssl-cert": (value) => ({ "tls-cert": value }),
    "ssl-key": (value) => ({ "tls-key": value }),
  },
};

const TIDB_PORT = "4000";

export const options = serverOptions(kind);

export type MysqlOptions = ServerSettings;

export function fromUrl(url: string): unknown {
  const given = serverOptionsFromUrl(url, kind);
  return /^tidb:/i.test(url) ? { port: TIDB_PORT, ...given } : given;
}
