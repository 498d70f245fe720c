import assert from "node:assert/strict";
import { chownSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isStorageError, type StoragePlugin } from "@etcd-adapter/core/storage";
import { idsOf } from "../servers/programs.js";
import { Authority, type Certificate } from "../tls/authority.js";
import { openStorage } from "./subject.js";

export interface TlsFixture {
  readonly authority: Authority;
  readonly server: Certificate;
  /** Of a client of this name. */
  readonly client: Certificate;
}

/** Certificates that the server's user may read. */
export function tlsFixture(serverUser: string, clientName: string): TlsFixture {
  const authority = new Authority("databases");
  const fixture = { authority, server: authority.issue("database"), client: authority.issue(clientName) };
  const ids = idsOf(serverUser);
  for (const path of [
    authority.folder,
    ...readdirSync(authority.folder).map((file) => join(authority.folder, file)),
  ])
    if (ids) chownSync(path, ids.uid, ids.gid);
  return fixture;
}

/** A user who must show a certificate gets in with it, and is told what is wrong without. */
export async function expectTls<Options>(
  plugin: StoragePlugin<Options>,
  url: string,
  { authority, client }: TlsFixture,
): Promise<void> {
  const all = { "tls-ca": authority.ca, "tls-cert": client.cert, "tls-key": client.key };
  const storage = await openStorage(plugin, url, all);
  await storage.head();
  await storage.close();
  const other = new Authority("others");
  const mistakes: Record<string, unknown>[] = [
    {},
    { "tls-ca": authority.ca },
    { ...all, "tls-ca": other.ca },
    { ...all, "tls-server-name": "elsewhere.example" },
    { ...all, "tls-ca": join(authority.folder, "missing.crt") },
  ];
  for (const mistake of mistakes) {
    await assert.rejects(
      openStorage(plugin, url, mistake),
      (error) => isStorageError(error, "misconfigured"),
      JSON.stringify(mistake),
    );
  }
}
