import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createServer, type Server } from "node:tls";
import { isStorageError } from "@etcd-adapter/core/storage";
import { type ConsulServer, isRequired, startConsul } from "@etcd-adapter/test/dist/servers/index.js";
import { consulOptions, optionsFromUrl } from "./options.js";
import { ConsulStorage } from "./storage.js";

const NAME = "consul.test";

/** A self-signed certificate, which is its own authority. */
function certificate(folder: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${NAME}`];
  const extensions = ["-addext", `subjectAltName=DNS:${NAME}`];
  execFileSync("openssl", [...request, ...extensions, "-out", cert, "-keyout", key], { stdio: "ignore" });
  return { cert, key };
}

if (isRequired("consul"))
  describe("consul behind TLS", { timeout: 900_000 }, () => {
    let server: ConsulServer;
    let proxy: Server;
    let folder: string;
    let files: { cert: string; key: string };

    before(async () => {
      server = await startConsul();
      folder = mkdtempSync(join(tmpdir(), "consul-tls-"));
      files = certificate(folder);
      const [cert, key] = [readFileSync(files.cert), readFileSync(files.key)];
      const mutual = { cert, key, ca: cert, requestCert: true, rejectUnauthorized: true };
      proxy = createServer(mutual, (client) => {
        const upstream = connect(server.port, server.host);
        client.pipe(upstream).pipe(client);
        client.on("error", () => upstream.destroy());
        upstream.on("error", () => client.destroy());
      });
      await new Promise<void>((resolve) => proxy.listen(0, server.host, resolve));
    });
    after(async () => {
      proxy?.close();
      rmSync(folder, { recursive: true, force: true });
      await server?.[Symbol.asyncDispose]();
    });

    async function storage(options: object): Promise<ConsulStorage> {
      const prefix = (await server.freshPrefix()).split("/").at(-1);
      const url = `consuls://${server.host}:${(proxy.address() as AddressInfo).port}/${prefix}`;
      return new ConsulStorage(consulOptions.parse({ ...optionsFromUrl(url), ...options }));
    }

    it("is reached with the authority, the name and a certificate", async () => {
      const opened = await storage({
        "ca-file": files.cert,
        "server-name": NAME,
        "cert-file": files.cert,
        "key-file": files.key,
      });
      await opened.open();
      await opened.append(1n, () => Buffer.from("a"));
      assert.equal(await opened.last(), 1n);
      await opened.close();
    });

    it("is misconfigured without the authority, or with another name", async () => {
      for (const options of [{}, { "ca-file": files.cert, "server-name": "other.test" }]) {
        const refused = await storage(options);
        await assert.rejects(refused.open(), (error) => isStorageError(error, "misconfigured"));
      }
    });
  });
