import { z } from "zod";
import { tablePrefix } from "./tables.js";

const text = z.string().min(1);
const milliseconds = (least: number) => z.coerce.number().int().min(least).max(3_600_000);

/** What is said of a database server, whichever it is. A plugin adds its own. */
export const serverFields = {
  url: text.optional(),
  /** A name or address; a path is the folder or file of a Unix socket. */
  host: text.default("127.0.0.1"),
  port: z.coerce.number().int().min(1).max(65_535).optional(),
  user: text.optional(),
  password: z.string().optional(),
  /** Read whenever a connection is made, so that it may change. */
  "password-file": text.optional(),
  /** The name of an environment variable. */
  "password-env": text.optional(),
  database: text.optional(),
  /** `verify` checks the server's certificate and name, `insecure` encrypts only. Default: `verify` with any tls-… file. */
  tls: z.enum(["off", "verify", "insecure"]).optional(),
  "tls-ca": text.optional(),
  "tls-cert": text.optional(),
  "tls-key": text.optional(),
  /** The name in the server's certificate, when it is not the host. */
  "tls-server-name": text.optional(),
  /** Connections that read; up to three more write, listen and clean up. */
  "pool-size": z.coerce.number().int().min(1).max(1_000).default(4),
  "connect-timeout-ms": milliseconds(100).default(5_000),
  /** How long an answer may take before its connection is given up. */
  "read-timeout-ms": milliseconds(100).default(15_000),
  "table-prefix": tablePrefix,
} as const;

const serverObject = z.strictObject(serverFields);

type Given = z.output<typeof serverObject>;

/** Where and how to connect. Files and variables are named, not read: see secrets.ts. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: PasswordSource;
  readonly database: string | undefined;
  readonly tls: TlsSettings | undefined;
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly tablePrefix: string;
}

export type PasswordSource =
  | { readonly value: string }
  | { readonly file: string }
  | { readonly env: string }
  | undefined;

export interface TlsSettings {
  readonly verify: boolean;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly serverName: string | undefined;
}

export interface ServerKind {
  readonly schemes: readonly string[];
  readonly defaultPort: number;
  /** URL parameters under other names, as the database's own tools have them, and what they stand for. */
  readonly aliases: Readonly<Record<string, (value: string) => Record<string, string>>>;
}

/** The options of a database server. `url` is a shorthand for others; what is spelled out beside it wins. */
export function serverOptions(kind: ServerKind) {
  return z
    .preprocess((input) => withUrl(input, kind), serverObject)
    .superRefine((given, context) => {
      const complain = (path: keyof Given, message: string) =>
        context.addIssue({ code: "custom", path: [path], message });
      const passwords = [given.password, given["password-file"], given["password-env"]];
      if (passwords.filter((source) => source !== undefined).length > 1)
        complain("password", "give one of password, password-file and password-env, not several");
      if ((given["tls-cert"] === undefined) !== (given["tls-key"] === undefined))
        complain("tls-cert", "tls-cert and tls-key go together: give both or neither");
      if (given.tls === "off" && namesTlsFile(given))
        complain("tls", "tls is off, but tls-… files are given: leave out one of them");
    })
    .transform((given): ServerSettings => settingsOf(given, kind));
}

function settingsOf(given: Given, kind: ServerKind): ServerSettings {
  return {
    host: given.host,
    port: given.port ?? kind.defaultPort,
    user: given.user,
    password: passwordSource(given),
    database: given.database,
    tls: tlsSettings(given),
    poolSize: given["pool-size"],
    connectTimeoutMs: given["connect-timeout-ms"],
    readTimeoutMs: given["read-timeout-ms"],
    tablePrefix: given["table-prefix"],
  };
}

function passwordSource(given: Given): PasswordSource {
  if (given["password-file"] !== undefined) return { file: given["password-file"] };
  if (given["password-env"] !== undefined) return { env: given["password-env"] };
  return given.password === undefined ? undefined : { value: given.password };
}

function tlsSettings(given: Given): TlsSettings | undefined {
  const mode = given.tls ?? (namesTlsFile(given) ? "verify" : "off");
  if (mode === "off") return undefined;
  return {
    verify: mode === "verify",
    caFile: given["tls-ca"],
    certFile: given["tls-cert"],
    keyFile: given["tls-key"],
    serverName: given["tls-server-name"],
  };
}

function namesTlsFile(given: Given): boolean {
  return (
    given["tls-ca"] !== undefined || given["tls-cert"] !== undefined || given["tls-server-name"] !== undefined
  );
}

function withUrl(input: unknown, kind: ServerKind): unknown {
  if (typeof input !== "object" || input === null || !("url" in input) || typeof input.url !== "string")
    return input;
  const { url, ...spelledOut } = input;
  return { ...serverOptionsFromUrl(url, kind), ...spelledOut };
}

/** `SCHEME://USER:PASSWORD@HOST:PORT/DATABASE?option=value`; every option can stand in the query. */
export function serverOptionsFromUrl(url: string, kind: ServerKind): Record<string, string> {
  const form = `write ${kind.schemes[0]}://USER:PASSWORD@HOST:${kind.defaultPort}/DATABASE`;
  const match =
    /^([a-z]+):\/\/(?:([^@/?#]*)@)?(\[[^\]]*\]|[^:/?#]*)(?::(\d+))?(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(url);
  if (!match || !kind.schemes.includes(match[1]!.toLowerCase()))
    throw new Error(`${hidden(url)} is not the address of a database: ${form}`);
  const [, , credentials, host, port, database, query] = match;
  if (host?.includes(","))
    throw new Error(`${hidden(url)} names several hosts: name one, or a proxy before them`);
  const [user, password] = parted(credentials ?? "");
  const decoded = { user, password, host: host?.replace(/^\[|\]$/g, ""), port, database };
  const options: Record<string, string> = {};
  for (const [name, value] of Object.entries(decoded)) if (value) options[name] = decode(value, url, form);
  for (const [name, value] of new URLSearchParams(query ?? ""))
    Object.assign(options, kind.aliases[name]?.(value) ?? { [name]: value });
  return options;
}

function parted(credentials: string): [string, string | undefined] {
  const colon = credentials.indexOf(":");
  return colon < 0 ? [credentials, undefined] : [credentials.slice(0, colon), credentials.slice(colon + 1)];
}

function decode(part: string, url: string, form: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Error(`${hidden(url)} holds a % that no two hexadecimal digits follow: ${form}`);
  }
}

/** Without the password: messages end in logs. */
function hidden(url: string): string {
  return url.replace(/(:\/\/[^:@/]*):.*@/, "$1:…@");
}
