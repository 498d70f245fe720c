import { readFileSync } from "node:fs";
import { ConfigError } from "../config/config-error.js";
import type { Access } from "../moving/places.js";
import type { Flag } from "./flags.js";

const NAMES = ["cacert", "cert", "key", "user", "password", "password-file"] as const;

/** etcdctl's names for how a server is reached, each behind `prefix`. */
export function endpointFlags<Prefix extends string>(
  prefix: Prefix,
): Record<`${Prefix}${(typeof NAMES)[number]}`, Flag> {
  const flags: Record<(typeof NAMES)[number], Flag> = {
    cacert: { value: "FILE", help: "authorities that the server's certificate may be of, PEM" },
    cert: { value: "FILE", help: "the client's certificate, PEM" },
    key: { value: "FILE", help: "its key, PEM" },
    user: { value: "NAME[:PASSWORD]", help: "who logs in" },
    password: { value: "PASSWORD", help: "the user's password, if --user names none" },
    "password-file": {
      value: "FILE",
      help: "a file with the user's password, which no list of processes shows",
    },
  };
  return Object.fromEntries(NAMES.map((name) => [prefix + name, flags[name]])) as ReturnType<
    typeof endpointFlags<Prefix>
  >;
}

export function accessOf(values: Readonly<Partial<Record<string, string>>>, prefix: string): Access {
  const [caFile, certFile, keyFile] = ["cacert", "cert", "key"].map((name) => values[prefix + name]);
  const user = userOf(values, prefix);
  return {
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
    ...(user && { user }),
  };
}

function userOf(values: Readonly<Partial<Record<string, string>>>, prefix: string): Access["user"] {
  const user = values[`${prefix}user`];
  const file = values[`${prefix}password-file`];
  const password =
    values[`${prefix}password`] ?? (file === undefined ? undefined : readPassword(prefix, file));
  if (user === undefined) {
    if (password === undefined) return undefined;
    throw new ConfigError(`--${prefix}user is missing: whose password is it?`);
  }
  if (password !== undefined) return { name: user, password };
  const colon = user.indexOf(":");
  if (colon < 0) {
    throw new ConfigError(
      `--${prefix}user=${user} has no password; write --${prefix}user=${user}:PASSWORD, or name a file in --${prefix}password-file.`,
    );
  }
  return { name: user.slice(0, colon), password: user.slice(colon + 1) };
}

function readPassword(prefix: string, file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`--${prefix}password-file ${file} can't be read: ${reason}.`, { cause: error });
  }
}
