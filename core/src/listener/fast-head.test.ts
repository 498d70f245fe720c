import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { FastHeads, readFastHead } from "./fast-head.js";

const head = (...lines: string[]) =>
  Buffer.from(`${["POST /v3/kv/range HTTP/1.1", ...lines].join("\r\n")}\r\n\r\n{}`, "latin1");

describe("the head of a common request", () => {
  test("is read whole", () => {
    const bytes = head("Host: a", "content-LENGTH:2", "X:  \t é \t", "Empty:", "Connection: Keep-Alive");
    assert.deepEqual(readFastHead(bytes), {
      path: "/v3/kv/range",
      headers: Object.assign(Object.create(null), {
        host: "a",
        "content-length": "2",
        x: "é",
        empty: "",
        connection: "Keep-Alive",
      }),
      headBytes: bytes.length - 2,
      bodyBytes: 2,
    });
  });

  test("is left to Node's parser, where it has anything else", () => {
    const host = "Host: a";
    const length = "Content-Length: 2";
    assert.notEqual(readFastHead(head(host, length)), undefined);
    const others: Buffer[] = [
      head(host),
      head(length),
      head(host, host, length),
      head(host, length, length),
      head(host, length, "Cookie: a", "cookie: b"),
      head(host, "Content-Length: +2"),
      head(host, "Content-Length: 2, 2"),
      head(host, "Content-Length: 0x2"),
      head(host, "Content-Length: 2147483648"),
      head(host, length, "Transfer-Encoding: chunked"),
      head(host, length, "Expect: 100-continue"),
      head(host, length, "Upgrade: h2c"),
      head(host, length, "Connection: close"),
      head(host, length, "Connection: keep-alive, X"),
      head(host, length, "A : b"),
      head(host, length, " folded"),
      head(host, length, "A: b\rc"),
      head(host, length, "A: b\nc: d"),
      head(host, length, "A: \0"),
      head(host, length, ": b"),
      head(host, length, "no colon"),
      head(host, length).subarray(0, -3),
      Buffer.from("POST /v3/kv/range HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
      Buffer.from("POST /v3/kv/range  HTTP/1.1x\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
      Buffer.from("post /v3/kv/range HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
      Buffer.from("GET /v3/kv/range HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
      Buffer.from("POST /version HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
      Buffer.from("POST /v3/kv/range HTTP/1.1\r\n\r\n"),
      Buffer.from("\r\nPOST /v3/kv/range HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
    ];
    for (const bytes of others) assert.equal(readFastHead(bytes), undefined, bytes.toString("latin1"));
  });
});

test("the head of one connection's request is taken for the one before only if it is the same", () => {
  const heads = new FastHeads();
  const requests = [
    head("Host: a", "Content-Length: 2"),
    head("Host: a", "Content-Length: 2"),
    head("Host: b", "Content-Length: 2"),
    head("Host: a", "Content-Length: 2").subarray(0, -2),
    head("Host: a", "Content-Length: 2").subarray(0, -3),
    head("Host: a", "Content-Length: 2", "A: b"),
    head("Host: a", "Content-Length: 2", `A: ${"b".repeat(2_000)}`),
    head("Host: a"),
    head("Host: a", "Content-Length: 3"),
  ];
  for (const bytes of [...requests, ...requests]) assert.deepEqual(heads.read(bytes), readFastHead(bytes));
});

describe("what is read here, Node's parser reads the same", () => {
  const server = createServer({ keepAliveTimeout: 60_000 });
  after(() => server.close());

  /** What Node's server makes of the bytes; undefined if it refuses them or waits for more. */
  async function readByNode(port: number, bytes: Buffer) {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    const arrived = new Promise<IncomingMessage>((resolve) => server.once("request", resolve));
    socket.end(bytes);
    const closed = once(socket.resume(), "close").then(() => undefined);
    const request = await Promise.race([arrived, closed]);
    server.removeAllListeners("request");
    if (request === undefined) return undefined;
    const chunks: Buffer[] = [];
    request.on("error", () => {});
    for await (const chunk of request) chunks.push(chunk as Buffer);
    socket.destroy();
    const { method, url, headers, httpVersion } = request;
    return {
      method,
      url,
      headers: { ...headers },
      httpVersion,
      body: Buffer.concat(chunks).toString("latin1"),
    };
  }

  // Node's own object of headers loses `__proto__`.
  const name = fc.oneof(
    fc.constantFrom(
      "Host",
      "Content-Length",
      "content-length",
      "Authorization",
      "Accept",
      "Cookie",
      "__proto__",
    ),
    fc.constantFrom("Transfer-Encoding", "Connection", "Expect", "X Y", "", "Grpc-Metadata-A"),
    fc.string({ maxLength: 6 }),
  );
  const value = fc.oneof(
    fc.constantFrom("2", "02", "3", "a", "", "keep-alive", "close", "chunked", " 2", "\t2 ", "2\n", "\xa02"),
    fc.string({ maxLength: 8 }),
    fc.string({
      maxLength: 4,
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    }),
  );
  const line = fc.tuple(
    name,
    fc.constantFrom(":", ": ", " : "),
    value,
    fc.constantFrom("\r\n", "\n", "\r\n "),
  );
  const common = ["Host: a\r\n", "Content-Length: 2\r\n"];

  test("whatever the head", async () => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    let read = 0;
    const requests = fc.tuple(
      fc.constantFrom("POST /v3/kv/range HTTP/1.1\r\n", "POST /v3/é HTTP/1.1\r\n", "POST /v3/ HTTP/1.1 \r\n"),
      fc.array(
        fc.oneof(
          { weight: 3, arbitrary: fc.constantFrom(...common) },
          line.map((parts) => parts.join("")),
        ),
        {
          maxLength: 5,
        },
      ),
    );
    await fc.assert(
      fc.asyncProperty(requests, async ([start, lines]) => {
        const bytes = Buffer.from(`${start}${lines.join("")}\r\n{}`, "latin1");
        const fast = readFastHead(bytes);
        if (fast === undefined || bytes.length !== fast.headBytes + fast.bodyBytes) return;
        read += 1;
        const node = await readByNode(port, bytes);
        assert.deepEqual(node, {
          method: "POST",
          url: fast.path,
          httpVersion: "1.1",
          headers: Object.fromEntries(Object.entries(fast.headers).filter(([name]) => name !== "__proto__")),
          body: bytes.toString("latin1", fast.headBytes),
        });
      }),
      { numRuns: 3_000, examples: [[["POST /v3/kv/range HTTP/1.1\r\n", common]]] },
    );
    assert.ok(read > 20, `${read} heads were read`);
  });
});
