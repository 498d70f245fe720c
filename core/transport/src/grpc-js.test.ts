/** Calls of grpc-js's client, over TCP and over TLS. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { StatusError } from "./call/status.js";
import { GrpcServer } from "./server.js";
import type { Services } from "./service.js";
import { TEST_CERTIFICATE, TEST_KEY } from "./testing/certificate.js";
import { testServices } from "./testing/serve.js";

interface LateCall {
  readonly deadline: number | undefined;
  readonly aborted: Promise<Error>;
}

/** Told of the next call of Late, which never answers. */
let onLate: (call: LateCall) => void = () => {};

const nextLate = () =>
  new Promise<LateCall>((resolve) => {
    onLate = resolve;
  });

const services: Services = {
  ...testServices,
  "test.More": {
    Metadata: {
      kind: "unary",
      handle: async (_request, { metadata }) => Buffer.from(metadata.get("x-text") ?? ""),
    },
    Echo: {
      kind: "unary",
      handle: async (request, context) => {
        const [bytes] = context.metadata.getBinary("x-bytes-bin");
        context.sendHeaders({ "x-text": context.metadata.getAll("x-text") });
        context.setTrailers({ "x-bytes-bin": bytes ?? Buffer.alloc(0) });
        return request;
      },
    },
    Late: {
      kind: "unary",
      handle: (_request, context) => {
        const aborted = new Promise<Error>((resolve) => {
          context.signal.addEventListener("abort", () => resolve(context.signal.reason));
        });
        onLate({ deadline: context.deadline, aborted });
        return new Promise<Buffer>(() => {});
      },
    },
    FailLate: {
      kind: "stream",
      clientStreams: false,
      handle: async (call) => {
        call.context.setTrailers({ "x-why": "because" });
        call.send(Buffer.from("one"));
        await sleep(1);
        throw new StatusError(8, "naïve 100 % \n");
      },
    },
  },
};

const same = (bytes: Buffer) => bytes;

for (const isTls of [false, true]) {
  describe(isTls ? "grpc-js over TLS" : "grpc-js over TCP", () => {
    const server = new GrpcServer(services);
    let listener: Server;
    let client: grpc.Client;

    before(async () => {
      const accept = (socket: Socket) => server.accept(socket);
      listener = isTls
        ? createTlsServer({ cert: TEST_CERTIFICATE, key: TEST_KEY, ALPNProtocols: ["h2"] }, accept)
        : createServer(accept);
      listener.listen(0, "127.0.0.1");
      await once(listener, "listening");
      const credentials = isTls
        ? grpc.credentials.createSsl(Buffer.from(TEST_CERTIFICATE))
        : grpc.credentials.createInsecure();
      client = new grpc.Client(`127.0.0.1:${(listener.address() as AddressInfo).port}`, credentials, {
        "grpc.max_receive_message_length": -1,
      });
    });

    after(async () => {
      client.close();
      server.close();
      listener.close();
    });

    interface Outcome {
      readonly error: grpc.ServiceError | null;
      readonly response: Buffer | undefined;
      readonly metadata: grpc.Metadata;
      readonly status: grpc.StatusObject;
    }

    function call(
      path: string,
      request: Buffer,
      metadata = new grpc.Metadata(),
      options: grpc.CallOptions = {},
    ) {
      return new Promise<Outcome>((resolve) => {
        let outcome: Pick<Outcome, "error" | "response"> | undefined;
        let initial = new grpc.Metadata();
        let status: grpc.StatusObject | undefined;
        const settle = () => {
          if (outcome !== undefined && status !== undefined)
            resolve({ ...outcome, metadata: initial, status });
        };
        client
          .makeUnaryRequest(path, same, same, request, metadata, options, (error, response) => {
            outcome = { error, response };
            settle();
          })
          .on("metadata", (received) => {
            initial = received;
          })
          .on("status", (received) => {
            status = received;
            settle();
          });
      });
    }

    test("unary calls of all sizes, at once, later and in pieces", async () => {
      for (const method of ["Now", "Later", "Pieces"]) {
        for (const size of [0, 1, 4_091, 4_096, 16_379, 16_384, 65_535, 1_000_000, 4_194_304]) {
          const request = Buffer.alloc(size, size);
          const { response, error } = await call(`/test.Echo/${method}`, request);
          assert.equal(error, null);
          assert.ok(response?.equals(request));
        }
      }
    });

    test("hundreds of calls at once", async () => {
      const calls = Array.from({ length: 500 }, (_, index) =>
        call("/test.Echo/Later", Buffer.from(`${index}`)),
      );
      const responses = await Promise.all(calls);
      responses.forEach(({ response }, index) => {
        assert.equal(response?.toString(), `${index}`);
      });
    });

    test("metadata both ways", async () => {
      const metadata = new grpc.Metadata();
      metadata.add("x-text", "one");
      metadata.add("x-text", "two");
      metadata.add("x-bytes-bin", Buffer.from([0, 255, 10, 13]));
      const outcome = await call("/test.More/Echo", Buffer.from("x"), metadata);
      assert.equal(outcome.error, null);
      assert.equal(outcome.metadata.get("x-text").join(), "one, two");
      assert.deepEqual(outcome.status.metadata.get("x-bytes-bin"), [Buffer.from([0, 255, 10, 13])]);
      const last = await call("/test.More/Metadata", Buffer.alloc(0), metadata);
      assert.match(last.response?.toString() ?? "", /two$/);
    });

    test("statuses and their texts", async () => {
      const texts = ["", "plain", "100 %", "tschüß", "a\nb", "日本語"];
      for (const text of texts) {
        const { error } = await call("/test.Echo/Fail", Buffer.from(text));
        assert.deepEqual([error?.code, error?.details], [9, text]);
      }
      const hidden = await call("/test.Echo/Break", Buffer.alloc(0));
      assert.deepEqual([hidden.error?.code, hidden.error?.details], [2, "internal error"]);
      const method = await call("/test.Echo/None", Buffer.alloc(0));
      assert.deepEqual(
        [method.error?.code, method.error?.details],
        [12, "unknown method None for service test.Echo"],
      );
      const service = await call("/test.None/None", Buffer.alloc(0));
      assert.deepEqual([service.error?.code, service.error?.details], [12, "unknown service test.None"]);
    });

    test("a message above the limit", async () => {
      const { error } = await call("/test.Echo/Now", Buffer.alloc(4_194_305));
      const text = "grpc: received message larger than max (4194305 vs. 4194304)";
      assert.deepEqual([error?.code, error?.details], [8, text]);
    });

    test("a deadline", async () => {
      const started = Date.now();
      const late = nextLate();
      const outcome = call("/test.More/Late", Buffer.alloc(0), new grpc.Metadata(), {
        deadline: started + 500,
      });
      const { deadline = 0, aborted } = await late;
      assert.ok(Math.abs(deadline - started - 500) < 2_000);
      assert.equal((await outcome).error?.code, grpc.status.DEADLINE_EXCEEDED);
      // whose clock is first is anybody's guess
      assert.ok(["context deadline exceeded", "context canceled"].includes((await aborted).message));
    });

    test("a client that cancels", async () => {
      const late = nextLate();
      const request = client.makeUnaryRequest("/test.More/Late", same, same, Buffer.alloc(0), () => {});
      request.on("error", () => {});
      const { aborted } = await late;
      request.cancel();
      assert.equal((await aborted).message, "context canceled");
    });

    test("a bidirectional stream echoes in order", async () => {
      const stream = client.makeBidiStreamRequest("/test.Echo/Stream", same, same);
      const received: Buffer[] = [];
      stream.on("data", (message: Buffer) => received.push(message));
      const sent = Array.from({ length: 300 }, (_, index) => Buffer.alloc(index * 50, index));
      for (const message of sent) stream.write(message);
      stream.end();
      const [status] = (await once(stream, "status")) as [grpc.StatusObject];
      assert.equal(status.code, 0);
      assert.ok(Buffer.concat(received).equals(Buffer.concat(sent)));
      assert.equal(received.length, sent.length);
    });

    test("a stream that fails after a message", async () => {
      const stream = client.makeServerStreamRequest("/test.More/FailLate", same, same, Buffer.alloc(0));
      const received: string[] = [];
      stream.on("data", (message: Buffer) => received.push(message.toString()));
      stream.on("error", () => {});
      const status = await new Promise<grpc.StatusObject>((resolve) => stream.on("status", resolve));
      assert.deepEqual([status.code, status.details], [8, "naïve 100 % \n"]);
      assert.deepEqual(status.metadata.get("x-why"), ["because"]);
      assert.deepEqual(received, ["one"]);
    });

    test("gzip is taken, and answered with", async () => {
      const options = { "grpc.default_compression_algorithm": 2 };
      const credentials = isTls
        ? grpc.credentials.createSsl(Buffer.from(TEST_CERTIFICATE))
        : grpc.credentials.createInsecure();
      const zipping = new grpc.Client(
        `127.0.0.1:${(listener.address() as AddressInfo).port}`,
        credentials,
        options,
      );
      const request = Buffer.alloc(100_000, "text");
      const response = await new Promise<Buffer | undefined>((resolve, reject) => {
        zipping
          .makeUnaryRequest("/test.Echo/Later", same, same, request, (error, value) =>
            error ? reject(error) : resolve(value),
          )
          .on("metadata", (metadata: grpc.Metadata) => assert.deepEqual(metadata.get("grpc-encoding"), []));
      });
      assert.ok(response?.equals(request));
      zipping.close();
    });
  });
}
