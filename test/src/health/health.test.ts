/** gRPC's health service and server reflection, as a real etcd answers them. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Health } from "@etcd-adapter/core/proto/grpc/health/v1/health_pb";
import * as grpc from "@grpc/grpc-js";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { GrpcClient, RpcError } from "../client/grpc-client.js";
import { type EtcdServer, isRequired, startEtcd } from "../servers/index.js";

if (isRequired("etcd")) {
  for (const transport of ["grpc-js", "own"]) {
    describe(`health, with ${transport}`, () => {
      let servers: readonly [EtcdServer, AdapterProcess];

      before(async () => {
        servers = await Promise.all([
          startEtcd(),
          startAdapterProcess("memory:", { args: [`--grpc-transport=${transport}`] }),
        ]);
      });
      after(() => Promise.all(servers.map((server) => server.discard())));

      async function same(ask: (client: GrpcClient, address: string) => Promise<unknown>): Promise<unknown> {
        const [etcd, adapter] = await Promise.all(
          servers.map(async ({ port }) => {
            const client = new GrpcClient(`127.0.0.1:${port}`);
            try {
              return await ask(client, `127.0.0.1:${port}`);
            } catch (error) {
              if (!(error instanceof RpcError)) throw error;
              return [error.code, error.details];
            } finally {
              client.close();
            }
          }),
        );
        assert.deepEqual(adapter, etcd);
        return etcd;
      }

      test("Check: the server as a whole is known, its services are not", async () => {
        const answers = [];
        for (const service of ["", "etcdserverpb.KV", "nonsense"]) {
          answers.push(
            await same(async (client) => (await client.unary(Health.method.check, { service })).status),
          );
        }
        assert.deepEqual(answers, [1, [5, "unknown service"], [5, "unknown service"]]);
      });

      test("List: the server as a whole", async () => {
        const listed = await same(async (client) => {
          const { statuses } = await client.unary(Health.method.list, {});
          return Object.entries(statuses).map(([name, { status }]) => [name, status]);
        });
        assert.deepEqual(listed, [["", 1]]);
      });

      test("Watch: a status at once, then nothing, until the client goes", async () => {
        for (const service of ["", "nonsense"]) {
          const seen = await same(async (client) => {
            const stream = client.stream(Health.method.watch);
            stream.send({ service });
            stream.halfClose();
            const status = (await stream.next())?.status;
            const more = await stream.next(300);
            const ended = stream.status;
            stream.cancel();
            return { status, more, ended };
          });
          assert.deepEqual(seen, { status: service === "" ? 1 : 3, more: undefined, ended: undefined });
        }
      });

      test("reflection is not served", async () => {
        for (const version of ["v1", "v1alpha"]) {
          const [code] = (await same(async (_, address) => {
            const client = new grpc.Client(address, grpc.credentials.createInsecure());
            const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
            const identity = (bytes: Buffer): Buffer => bytes;
            const call = client.makeBidiStreamRequest(path, identity, identity);
            call.on("error", () => {});
            const status = await new Promise<grpc.StatusObject>((resolve) => {
              call.on("status", resolve);
              call.on("data", () => {});
              call.end(Buffer.alloc(0));
            });
            client.close();
            return [status.code, status.details];
          })) as [number, string];
          assert.equal(code, grpc.status.UNIMPLEMENTED);
        }
      });
    });
  }
}
