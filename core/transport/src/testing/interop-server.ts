/**
 * The interop service as a program, for h2spec and gRPC's interop client.
 * node interop-server.js [tls] [web] [PORT]; prints one line when it listens. As `web` it answers what is not
 * gRPC with a text, late enough for requests to be open at the same time.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";
import { GrpcServer } from "../server.js";
import type { OtherRequest } from "../service.js";
import { TEST_CERTIFICATE, TEST_KEY } from "./certificate.js";
import { interopServices } from "./interop-service.js";

const args = process.argv.slice(2);
const port = Number(args.find((arg) => /^[0-9]+$/.test(arg)) ?? 0);
const server = new GrpcServer(interopServices);
const TEXT = Buffer.from("this is no gRPC request\n");

async function answer(request: OtherRequest): Promise<void> {
  for await (const _part of request.body);
  await sleep(100);
  request.respond(200, { "content-type": "text/plain" });
  request.write(TEXT);
  request.end();
}

const isWeb = args.includes("web");
const onOther = isWeb ? (request: OtherRequest) => void answer(request).catch(() => {}) : undefined;
const accept = (socket: Socket) => server.accept(socket, onOther);
const listener = args.includes("tls")
  ? createTlsServer({ cert: TEST_CERTIFICATE, key: TEST_KEY, ALPNProtocols: ["h2"] }, accept)
  : createServer(accept);
listener.listen(port, "127.0.0.1", () =>
  console.log(`listening on ${(listener.address() as AddressInfo).port}`),
);
process.on("SIGTERM", () => {
  listener.close();
  void server.drain().then(() => process.exit(0));
});
