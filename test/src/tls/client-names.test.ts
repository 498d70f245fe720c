/** What the certificate of a client says about who it is and where it calls from: taken as a real etcd takes it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import https from "node:https";
import { after, before, describe, test } from "node:test";
import { Permission_Type } from "@etcd-adapter/core/proto/authpb/auth_pb";
import { Auth } from "@etcd-adapter/core/proto/etcdserverpb/auth_pb";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Maintenance } from "@etcd-adapter/core/proto/etcdserverpb/maintenance_pb";
import { Watch } from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import * as grpc from "@grpc/grpc-js";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { GrpcClient, RpcError } from "../client/grpc-client.js";
import { type EtcdServer, isRequired, startEtcd } from "../servers/index.js";
import { Authority, type Certificate } from "./authority.js";

type Server = EtcdServer | AdapterProcess;
type Metadata = Record<string, string>;

const key = Buffer.from("mine/1");
const rangeEnd = Buffer.from("mine0");

/** What a client of this certificate, and perhaps of a token, can do. */
const DEEDS: Readonly<Record<string, (client: GrpcClient, metadata: Metadata) => Promise<unknown>>> = {
  "read its keys": async (client, metadata) =>
    (await client.unary(KV.method.range, { key, rangeEnd }, { metadata })).count,
  "write its keys": async (client, metadata) => {
    await client.unary(KV.method.put, { key, value: key }, { metadata });
  },
  "read others": (client, metadata) =>
    client.unary(KV.method.range, { key: Buffer.from("others") }, { metadata }),
  "write others": (client, metadata) =>
    client.unary(KV.method.put, { key: Buffer.from("others"), value: key }, { metadata }),
  "read itself": async (client, metadata) =>
    (await client.unary(Auth.method.userGet, { name: "alice" }, { metadata })).roles,
  "list users": async (client, metadata) =>
    (await client.unary(Auth.method.userList, {}, { metadata })).users,
  compact: (client, metadata) => client.unary(KV.method.compact, { revision: 0n }, { metadata }),
  "ask the status": async (client, metadata) =>
    (await client.unary(Maintenance.method.status, {}, { metadata })).version,
  watch: async (client, metadata) => {
    const stream = client.stream(Watch.method.watch, { metadata });
    stream.send({ requestUnion: { case: "createRequest", value: { key, rangeEnd } } });
    const created = await stream.next();
    stream.cancel();
    return created && { canceled: created.canceled, reason: created.cancelReason };
  },
};

interface Side {
  readonly server: Server;
  readonly rootToken: string;
  readonly aliceToken: string;
}

if (isRequired("etcd")) {
  describe("a client certificate as a user", () => {
    const authority = new Authority("the test's");
    const strangers = new Authority("somebody else's");
    const certificate = {
      root: authority.issue("root"),
      alice: authority.issue("alice"),
      unknown: authority.issue("unknown"),
      nameless: authority.issue(""),
      withoutAddress: authority.issue("alice", { names: "" }),
      ofAnotherAddress: authority.issue("alice", { address: "127.0.0.9" }),
      ofAnotherHost: authority.issue("alice", { names: "DNS:somewhere.invalid" }),
      ofThisHost: authority.issue("alice", { names: "DNS:localhost" }),
      ofEither: authority.issue("alice", { names: "DNS:localhost,IP:127.0.0.9" }),
      ofAnyHostBelow: authority.issue("alice", { names: "DNS:*.invalid" }),
      ofServersOnly: authority.issue("alice", { usage: "serverAuth" }),
      ofClientsOnly: authority.issue("alice", { usage: "clientAuth" }),
      expired: authority.issue("alice", { expired: true }),
      strangers: strangers.issue("alice"),
    } satisfies Record<string, Certificate>;
    type Shown = keyof typeof certificate;
    let sides: readonly [etcd: Side, adapter: Side];
    let unnamed: readonly [etcd: Side, adapter: Side];

    const dial = (server: Server, shown: Shown): GrpcClient => {
      const { key: keyFile, cert } = certificate[shown];
      const files = [authority.ca, keyFile, cert].map((path) => readFileSync(path));
      return new GrpcClient(`127.0.0.1:${server.port}`, grpc.credentials.createSsl(...files));
    };

    const prepare = async (server: Server): Promise<Side> => {
      const client = dial(server, "nameless");
      const { method } = Auth;
      await client.unary(method.userAdd, { name: "root", password: "root's" });
      await client.unary(method.userGrantRole, { user: "root", role: "root" });
      await client.unary(method.userAdd, { name: "alice", password: "alice's" });
      await client.unary(method.roleAdd, { name: "mine" });
      const perm = { permType: Permission_Type.READWRITE, key, rangeEnd };
      await client.unary(method.roleGrantPermission, { name: "mine", perm });
      await client.unary(method.userGrantRole, { user: "alice", role: "mine" });
      await client.unary(method.authEnable, {});
      const [root, alice] = await Promise.all(
        ["root", "alice"].map((name) => client.unary(method.authenticate, { name, password: `${name}'s` })),
      );
      client.close();
      return { server, rootToken: root!.token, aliceToken: alice!.token };
    };

    before(async () => {
      const served = authority.issue("server");
      const tls = { ...served, ca: authority.ca };
      const start = async (args: readonly string[]) => {
        const servers = await Promise.all([
          startEtcd({ tls, args }),
          startAdapterProcess("memory:", { tls: { ...tls, probeWith: certificate.alice }, args }),
        ]);
        return (await Promise.all(servers.map(prepare))) as unknown as typeof sides;
      };
      sides = await start(["--bcrypt-cost=4"]);
      unnamed = await start(["--bcrypt-cost=4", "--client-cert-auth=false"]);
    });
    after(() => Promise.all([...sides, ...unnamed].map(({ server }) => server.stop())));

    async function outcomes(side: Side, shown: Shown, metadata: Metadata): Promise<Record<string, unknown>> {
      const client = dial(side.server, shown);
      const result: Record<string, unknown> = {};
      for (const [name, deed] of Object.entries(DEEDS)) {
        try {
          result[name] = await deed(client, metadata);
          if (typeof result[name] === "object" && "$typeName" in result[name]!) result[name] = "done";
        } catch (error) {
          if (!(error instanceof RpcError)) throw error;
          result[name] = `${error.code} ${error.details}`;
        }
      }
      client.close();
      return result;
    }

    const both = <T>(ask: (side: Side) => Promise<T>, [etcd, adapter] = sides) =>
      Promise.all([ask(etcd), ask(adapter)]);

    for (const shown of [
      "root",
      "alice",
      "unknown",
      "nameless",
      "withoutAddress",
      "ofClientsOnly",
    ] as const) {
      test(`over gRPC, who shows "${shown}"`, async () => {
        const [expected, actual] = await both((side) => outcomes(side, shown, {}));
        assert.deepEqual(actual, expected);
      });
    }

    test("without --client-cert-auth a certificate is needed, but is nobody's name", async () => {
      for (const shown of ["root", "nameless"] as const) {
        const [expected, actual] = await both((side) => outcomes(side, shown, {}), unnamed);
        assert.deepEqual(actual, expected, shown);
        const answers = await both(
          ({ server, aliceToken }) =>
            post(server, certificate[shown], "kv/range", { Authorization: aliceToken }),
          unnamed,
        );
        assert.deepEqual(answers[1], answers[0], shown);
      }
      const refused = both(({ server }) => post(server, certificate.strangers, "kv/range", {}), unnamed);
      await assert.rejects(refused);
    });

    test("over gRPC, a token comes before the certificate", async () => {
      for (const shown of ["alice", "root", "nameless"] as const) {
        for (const token of ["rootToken", "aliceToken"] as const) {
          const [expected, actual] = await both((side) => outcomes(side, shown, { token: side[token] }));
          assert.deepEqual(actual, expected, `${shown} with ${token}`);
        }
        const [expected, actual] = await both((side) => outcomes(side, shown, { token: "nonsense" }));
        assert.deepEqual(actual, expected, `${shown} with nonsense`);
      }
    });

    test("through the gateway, a common name is refused while there is access control", async () => {
      const paths = ["kv/range", "kv/put", "auth/status", "maintenance/status", "auth/authenticate"];
      for (const shown of ["alice", "root", "unknown", "nameless"] as const) {
        for (const withToken of [false, true]) {
          const [expected, actual] = await both(async (side) => {
            const answers = [];
            // Without any name an etcd's gateway acts as the user whom the server's own certificate names.
            const isOfServer = shown === "nameless" && !withToken;
            for (const path of isOfServer ? paths.filter((each) => each !== "auth/status") : paths) {
              const token = withToken ? { Authorization: side.aliceToken } : {};
              answers.push(await post(side.server, certificate[shown], path, token));
            }
            return answers;
          });
          assert.deepEqual(actual, expected, `${shown}${withToken ? " with a token" : ""}`);
        }
      }
    });

    for (const shown of [
      "ofAnotherAddress",
      "ofAnotherHost",
      "ofThisHost",
      "ofEither",
      "ofAnyHostBelow",
      "ofServersOnly",
      "expired",
      "strangers",
    ] as const) {
      test(`whether a connection with "${shown}" is taken`, async () => {
        const isTaken = async ({ server }: Side): Promise<boolean> => {
          const client = dial(server, shown);
          try {
            await client.unary(KV.method.range, { key, rangeEnd }, { timeoutMs: 3_000 });
            return true;
          } catch (error) {
            assert.ok(error instanceof RpcError && [4, 14].includes(error.code), String(error));
            return false;
          } finally {
            client.close();
          }
        };
        const [expected, actual] = await both(isTaken);
        assert.equal(actual, expected);
        const [expectedByHttp, actualByHttp] = await both(({ server }) =>
          post(server, certificate[shown], "auth/status", {}).then(
            () => true,
            () => false,
          ),
        );
        assert.deepEqual([actualByHttp, actualByHttp], [expectedByHttp, expected]);
      });
    }

    async function post(server: Server, shown: Certificate, path: string, headers: Metadata) {
      const bodies: Record<string, string> = {
        "kv/range": '{"key":"bWluZS8x"}',
        "kv/put": '{"key":"bWluZS8x","value":"YQ=="}',
        "auth/authenticate": '{"name":"alice","password":"alice\'s"}',
      };
      const files = {
        ca: readFileSync(authority.ca),
        cert: readFileSync(shown.cert),
        key: readFileSync(shown.key),
      };
      const { status, type, body } = await new Promise<{
        status: number;
        type: string | undefined;
        body: string;
      }>((resolve, reject) => {
        const request = https.request(
          `${server.url}/v3/${path}`,
          { method: "POST", ...files, headers, agent: false },
          (response) => {
            let text = "";
            response.on("data", (chunk: Buffer) => {
              text += chunk.toString();
            });
            response.on("end", () =>
              resolve({ status: response.statusCode!, type: response.headers["content-type"], body: text }),
            );
            response.on("error", reject);
          },
        );
        request.on("error", reject);
        request.setTimeout(5_000, () => request.destroy(new Error("no answer")));
        request.end(bodies[path] ?? "{}");
      });
      if (!body.startsWith("{")) return { path, status, type, message: body };
      const { code, message } = JSON.parse(body) as { code?: number; message?: string };
      return { path, status, code, message };
    }
  });
}
