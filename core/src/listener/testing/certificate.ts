/** A throw-away certificate for localhost, made where OpenSSL is at hand. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** Undefined without OpenSSL. */
export function makeCertificate(name: string): Certificate | undefined {
  const folder = mkdtempSync(join(tmpdir(), "etcd-adapter-certificate-"));
  const key = join(folder, "key.pem");
  const cert = join(folder, "cert.pem");
  const args =
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${name} ` +
    `-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout ${key} -out ${cert}`;
  try {
    const { status } = spawnSync("openssl", args.split(" "), { stdio: "ignore" });
    return status === 0 ? { key: readFileSync(key), cert: readFileSync(cert) } : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
