import { test } from "node:test";
import { isRequired, startMariadb } from "@etcd-adapter/test/dist/servers/index.js";
import { expectTls, tlsFixture } from "@etcd-adapter/test/dist/storage-faults/index.js";
import mysql from "./index.js";

const USER = "secured";

if (isRequired("mariadb"))
  test("mariadb, TLS with a client certificate", { timeout: 120_000 }, async () => {
    const fixture = tlsFixture("mysql", USER);
    await using server = await startMariadb({
      settings: {
        "ssl-cert": fixture.server.cert,
        "ssl-key": fixture.server.key,
        "ssl-ca": fixture.authority.ca,
      },
    });
    await server.sql(`CREATE USER '${USER}'@'127.0.0.1' REQUIRE X509`);
    await server.sql(`GRANT ALL PRIVILEGES ON *.* TO '${USER}'@'127.0.0.1'`);
    const url = await server.freshDatabase();
    await expectTls(mysql, url.replace(/\/\/[^@]*@/, `//${USER}@`), fixture);
  });
