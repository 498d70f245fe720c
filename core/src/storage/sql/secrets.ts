import { readFile } from "node:fs/promises";
import { StorageError } from "../errors.js";
import type { PasswordSource, TlsSettings } from "./server-options.js";

/** The files of TlsSettings, read. */
export interface TlsFiles {
  readonly verify: boolean;
  readonly serverName: string | undefined;
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

/** Read for each connection, so that what was renewed is used without a restart. */
export async function readPassword(source: PasswordSource): Promise<string | undefined> {
  if (source === undefined) return undefined;
  if ("value" in source) return source.value;
  if ("file" in source) return (await read("password-file", source.file)).toString().replace(/\r?\n$/, "");
  const value = process.env[source.env];
  if (value === undefined)
    throw new StorageError(
      "misconfigured",
      `password-env: there is no environment variable ${source.env}: set it`,
    );
  return value;
}

export async function readTls(tls: TlsSettings | undefined): Promise<TlsFiles | undefined> {
  if (tls === undefined) return undefined;
  const optional = (option: string, file: string | undefined) =>
    file === undefined ? undefined : read(option, file);
  const [ca, cert, key] = await Promise.all([
    optional("tls-ca", tls.caFile),
    optional("tls-cert", tls.certFile),
    optional("tls-key", tls.keyFile),
  ]);
  return { verify: tls.verify, serverName: tls.serverName, ca, cert, key };
}

async function read(option: string, file: string): Promise<Buffer> {
  return readFile(file).catch((error) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StorageError("misconfigured", `${option}: ${file} can't be read (${reason})`, { cause: error });
  });
}
