/** TLS as etcd's flags describe it, from files that may be replaced while the server runs. */
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import type { SecureVersion, TlsOptions } from "node:tls";
import { createSecureContext, getCiphers } from "node:tls";
import { ListenError } from "./addresses.js";

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Clients must show a certificate that one of these authorities signed. */
  readonly trustedCaFile: string | undefined;
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  /** Go's or OpenSSL's names; all of Node's defaults when empty. */
  readonly cipherSuites: readonly string[];
}

const POLL_MS = 1_000;

/** Reads and checks the files. Rejects with a sentence that names the one that is wrong. */
export function readCertificates(files: TlsFiles): TlsOptions {
  const options: TlsOptions = {
    cert: read(files.certFile, "--cert-file"),
    key: read(files.keyFile, "--key-file"),
    minVersion: files.minVersion,
    maxVersion: files.maxVersion,
    ...(files.cipherSuites.length > 0 && { ciphers: files.cipherSuites.map(openSslName).join(":") }),
    ...(files.trustedCaFile !== undefined && {
      ca: read(files.trustedCaFile, "--trusted-ca-file"),
      requestCert: true,
      rejectUnauthorized: true,
    }),
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ListenError(
      `--cert-file ${files.certFile} and --key-file ${files.keyFile} can't be used: ${reason}.`,
      { cause },
    );
  }
  return options;
}

/** Calls `changed` when one of the files was replaced, until the returned function is called. */
export function watchCertificates(files: TlsFiles, changed: () => void): () => void {
  const paths = [files.certFile, files.keyFile, files.trustedCaFile].filter((path) => path !== undefined);
  // Asked for by stat: secrets mounted into containers are replaced by a link, which events do not show.
  for (const path of paths) watchFile(path, { interval: POLL_MS, persistent: false }, changed);
  return () => {
    for (const path of paths) unwatchFile(path, changed);
  };
}

function read(path: string, flag: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new ListenError(
      `${flag} ${path} can't be read: ${missing ? "there is no such file" : String(cause)}.`,
      {
        cause,
      },
    );
  }
}

/** TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is ECDHE-RSA-AES128-GCM-SHA256 to OpenSSL; TLS 1.3's names are the same. */
function openSslName(name: string): string {
  const [exchange, cipher] = name.replace(/^TLS_/, "").split("_WITH_");
  const translated =
    cipher === undefined
      ? name
      : `${exchange!.replaceAll("_", "-")}-${cipher
          .replace(/_(SHA256)$/, cipher.startsWith("CHACHA20") ? "" : "_$1")
          .replace(/AES_(\d+)/, "AES$1")
          .replace(/_CBC/, "")
          .replaceAll("_", "-")}`.replace(/^RSA-/, "");
  if (getCiphers().includes(translated.toLowerCase())) return translated;
  throw new ListenError(
    `--cipher-suites: "${name}" is not known; write names such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256.`,
  );
}
