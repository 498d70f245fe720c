import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../servers/folders.js";

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of the test's own, in a folder of its own. */
export class Authority {
  readonly folder = temporaryFolder("tls");
  readonly ca: string;
  private serial = 1;

  constructor(private readonly name: string) {
    const { cert } = this.selfSigned();
    this.ca = cert;
  }

  /** A certificate for the common name, for 127.0.0.1 unless told otherwise. */
  issue(
    commonName: string,
    options: {
      readonly address?: string;
      readonly expired?: boolean;
      /** Other names than the address ("DNS:localhost"); the empty text for none. */
      readonly names?: string;
      /** What it may be used for ("serverAuth"); anything if not given. */
      readonly usage?: string;
    } = {},
  ): Certificate {
    const base = join(this.folder, `${this.serial}-${commonName || "nobody"}`);
    const files = { cert: `${base}.crt`, key: `${base}.key` };
    this.openssl(
      "req",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      files.key,
      "-out",
      `${base}.csr`,
      "-subj",
      commonName === "" ? "/O=without a common name" : `/CN=${commonName}`,
    );
    const names = options.names ?? `IP:${options.address ?? "127.0.0.1"}`;
    const extensions = [
      ...(names === "" ? [] : [`subjectAltName=${names}`]),
      ...(options.usage === undefined ? [] : [`extendedKeyUsage=${options.usage}`]),
    ];
    writeFileSync(`${base}.ext`, `${extensions.join("\n")}\n`);
    this.openssl(
      "x509",
      "-req",
      "-in",
      `${base}.csr`,
      "-CA",
      this.ca,
      "-CAkey",
      join(this.folder, "ca.key"),
      "-set_serial",
      String(this.serial++),
      "-days",
      options.expired ? "-1" : "10",
      "-extfile",
      `${base}.ext`,
      "-out",
      files.cert,
    );
    return files;
  }

  private selfSigned(): Certificate {
    const files = { cert: join(this.folder, "ca.crt"), key: join(this.folder, "ca.key") };
    this.openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      files.key,
      "-out",
      files.cert,
      "-days",
      "10",
      "-subj",
      `/CN=${this.name}`,
    );
    return files;
  }

  private openssl(...args: string[]): void {
    execFileSync("openssl", args, { stdio: "pipe" });
  }
}
