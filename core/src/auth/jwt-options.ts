/** `--auth-token jwt,sign-method=RS256,pub-key=FILE,priv-key=FILE,ttl=5m` */
import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { ConfigError } from "../config/config-error.js";
import { parseDuration } from "../config/values.js";

const DEFAULT_TTL = "5m";
const KNOWN = new Set(["sign-method", "pub-key", "priv-key", "ttl"]);

const KEY_TYPES: Record<string, string> = { RS: "rsa", PS: "rsa", ES: "ec", Ed: "ed25519" };

export interface JwtOptions {
  readonly algorithm: string;
  /** undefined: tokens are made elsewhere and only read here. */
  readonly signKey: KeyObject | undefined;
  readonly verifyKey: KeyObject;
  readonly ttlMs: number;
}

/** Reads what follows `jwt,`; rejects with a sentence for the operator. */
export function jwtOptions(parameters: ReadonlyMap<string, string>): JwtOptions {
  for (const name of parameters.keys()) {
    if (!KNOWN.has(name))
      throw new ConfigError(`--auth-token: jwt has no parameter "${name}"; it has ${[...KNOWN].join(", ")}.`);
  }
  const algorithm = parameters.get("sign-method") ?? "";
  if (!/^((RS|PS|ES|HS)(256|384|512)|EdDSA)$/.test(algorithm)) {
    throw new ConfigError(
      "--auth-token: jwt needs sign-method, one of RS256, PS256, ES256, HS256 (or 384, 512) and EdDSA.",
    );
  }
  const ttlMs = parseDuration(parameters.get("ttl") || DEFAULT_TTL);
  if (ttlMs === undefined) throw new ConfigError("--auth-token: ttl has to be a duration such as 5m.");
  return { algorithm, ttlMs, ...keys(algorithm, parameters.get("pub-key"), parameters.get("priv-key")) };
}

function keys(
  algorithm: string,
  publicFile: string | undefined,
  privateFile: string | undefined,
): Pick<JwtOptions, "signKey" | "verifyKey"> {
  if (algorithm.startsWith("HS")) {
    if (!privateFile)
      throw new ConfigError(`--auth-token: ${algorithm} needs priv-key, a file with the secret.`);
    const secret = read(privateFile, (bytes) => createSecretKey(bytes));
    return { signKey: secret, verifyKey: secret };
  }
  const type = KEY_TYPES[algorithm.slice(0, 2)]!;
  const signKey = privateFile ? read(privateFile, (bytes) => createPrivateKey(bytes), type) : undefined;
  const publicKey = publicFile ? read(publicFile, (bytes) => createPublicKey(bytes), type) : undefined;
  const verifyKey = publicKey ?? (signKey && createPublicKey(signKey));
  if (!verifyKey)
    throw new ConfigError(
      `--auth-token: ${algorithm} needs priv-key, or pub-key if tokens are made elsewhere.`,
    );
  if (signKey && !createPublicKey(signKey).equals(verifyKey)) {
    throw new ConfigError("--auth-token: pub-key and priv-key don't belong together.");
  }
  return { signKey, verifyKey };
}

function read(file: string, parse: (bytes: Buffer) => KeyObject, type?: string): KeyObject {
  let key: KeyObject;
  try {
    key = parse(readFileSync(file));
  } catch (error) {
    throw new ConfigError(`--auth-token: no key can be read from ${file}: ${String(error)}.`, {
      cause: error,
    });
  }
  if (type === undefined || key.asymmetricKeyType === type) return key;
  throw new ConfigError(
    `--auth-token: ${file} holds a key of type ${key.asymmetricKeyType}, ${type} is needed.`,
  );
}
