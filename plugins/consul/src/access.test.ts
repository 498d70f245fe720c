import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isStorageError } from "@etcd-adapter/core/storage";
import { type ConsulServer, isRequired, startConsul } from "@etcd-adapter/test/dist/servers/index.js";
import { consulOptions, optionsFromUrl } from "./options.js";
import { ConsulStorage } from "./storage.js";

if (isRequired("consul"))
  describe("consul with access control", { timeout: 900_000 }, () => {
    let server: ConsulServer;
    let folder: string;
    before(async () => {
      server = await startConsul({ acl: true });
      folder = mkdtempSync(join(tmpdir(), "consul-token-"));
    });
    after(async () => {
      rmSync(folder, { recursive: true, force: true });
      await server?.[Symbol.asyncDispose]();
    });

    async function storage(options: object): Promise<ConsulStorage> {
      const url = await server.freshPrefix();
      return new ConsulStorage(consulOptions.parse({ ...optionsFromUrl(url), ...options }));
    }

    async function acl<T>(path: string, body?: object): Promise<T> {
      const init = body ? { method: "PUT", body: JSON.stringify(body) } : { method: "DELETE" };
      return (await (await server.request(`/v1/acl/${path}`, init)).json()) as T;
    }

    it("takes its token from a file", async () => {
      const file = join(folder, "token");
      writeFileSync(file, `${server.token}\n`);
      const opened = await storage({ "token-file": file });
      await opened.open();
      await opened.append(1n, () => Buffer.from("a"));
      assert.equal(await opened.last(), 1n);
      await opened.close();
    });

    it("is misconfigured without a token, with an unknown one, and without its file", async () => {
      for (const options of [{}, { token: "unknown" }, { "token-file": join(folder, "nothing") }]) {
        const refused = await storage(options);
        await assert.rejects(refused.open(), (error) => isStorageError(error, "misconfigured"));
      }
    });

    it("is misconfigured with a token that may only read", async () => {
      await acl("policy", { Name: "reader", Rules: 'key_prefix "" { policy = "read" }' });
      const { SecretID } = await acl<{ SecretID: string }>("token", { Policies: [{ Name: "reader" }] });
      const refused = await storage({ token: SecretID });
      await assert.rejects(refused.open(), (error) => isStorageError(error, "misconfigured"));
    });

    it("is unavailable while a token that it was opened with is refused, and goes on when it is granted again", async () => {
      await acl("policy", { Name: "writer", Rules: 'key_prefix "" { policy = "write" }' });
      const { SecretID, AccessorID } = await acl<Record<"SecretID" | "AccessorID", string>>("token", {
        Policies: [{ Name: "writer" }],
      });
      const opened = await storage({ token: SecretID });
      await opened.open();
      await opened.append(1n, () => Buffer.from("a"));
      await acl(`token/${AccessorID}`);
      const unavailable = (error: unknown) => isStorageError(error, "unavailable");
      await assert.rejects(
        opened.append(2n, () => Buffer.from("b")),
        unavailable,
      );
      await assert.rejects(opened.last(), unavailable);
      await acl("token", { SecretID, Policies: [{ Name: "writer" }] });
      assert.equal(await opened.last(), 1n);
      await opened.append(2n, () => Buffer.from("b"));
      await opened.close();
    });
  });
