import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isRequired, startPostgres } from "@etcd-adapter/test/dist/servers/index.js";
import { expectTls, tlsFixture } from "@etcd-adapter/test/dist/storage-faults/index.js";
import postgres from "./index.js";

const USER = "secured";

if (isRequired("postgres"))
  test("postgres, TLS with a client certificate", { timeout: 120_000 }, async () => {
    const fixture = tlsFixture("postgres", USER);
    const hba = join(fixture.authority.folder, "pg_hba.conf");
    writeFileSync(
      hba,
      `hostssl all ${USER} 127.0.0.1/32 cert\nhost all postgres 127.0.0.1/32 scram-sha-256\n`,
    );
    await using server = await startPostgres({
      settings: {
        ssl: "on",
        ssl_cert_file: fixture.server.cert,
        ssl_key_file: fixture.server.key,
        ssl_ca_file: fixture.authority.ca,
        hba_file: hba,
      },
    });
    await server.sql(`create role ${USER} login superuser`);
    const url = await server.freshDatabase();
    await expectTls(postgres, url.replace(/\/\/[^@]*@/, `//${USER}@`), fixture);
  });
