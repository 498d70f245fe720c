import { connect } from "node:net";

// ZooKeeper's wire format, as little of it as a test's harness needs: whoever tests a client library should
// not depend on that library to prepare the server.

const opCreate = 1;
const opGetData = 4;
const opSetAcl = 7;
const allPermissions = 31;
const sessionTimeoutMs = 10_000;

export interface ZooKeeperAddress {
  readonly host: string;
  readonly port: number;
}

/** Sends a four-letter command ("srvr") and gives the answer. */
export function fourLetterWord(word: string, address: ZooKeeperAddress): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(address, () => socket.write(word));
    socket.setTimeout(2000, () => socket.destroy(new Error("ZooKeeper did not answer within 2 s")));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(chunks).toString()));
  });
}

export async function createZnode(path: string, data: Buffer, address: ZooKeeperAddress): Promise<void> {
  await request(opCreate, [text(path), buffer(data), ...anyone(allPermissions), int(0)], address);
}

/** What anyone may do: the sum of 1 read, 2 write, 4 create, 8 delete, 16 change this. */
export async function setPermissions(
  path: string,
  permissions: number,
  address: ZooKeeperAddress,
): Promise<void> {
  await request(opSetAcl, [text(path), ...anyone(permissions), int(-1)], address);
}

export async function readZnode(path: string, address: ZooKeeperAddress): Promise<Buffer> {
  const answer = await request(opGetData, [text(path), Buffer.from([0])], address);
  return answer.subarray(4, 4 + answer.readInt32BE(0));
}

/** One request in a session of its own. */
async function request(op: number, body: Buffer[], address: ZooKeeperAddress): Promise<Buffer> {
  const socket = connect(address);
  socket.setTimeout(5000, () => socket.destroy(new Error("ZooKeeper did not answer within 5 s")));
  const frames = readFrames(socket);
  try {
    // protocol version, last zxid seen, time-out, session id, password
    const session = [
      int(0),
      Buffer.alloc(8),
      int(sessionTimeoutMs),
      Buffer.alloc(8),
      buffer(Buffer.alloc(16)),
    ];
    socket.write(frame(session));
    await frames.next();
    socket.write(frame([int(1), int(op), ...body]));
    const { value } = await frames.next();
    if (value === undefined) throw new Error("ZooKeeper closed the connection");
    // xid, zxid, error code
    const code = value.readInt32BE(12);
    if (code !== 0) throw new Error(`ZooKeeper answered with error ${code}`);
    return value.subarray(16);
  } finally {
    socket.destroy();
  }
}

async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      yield rest.subarray(4, end);
      rest = rest.subarray(end);
    }
  }
  return undefined;
}

function frame(parts: Buffer[]): Buffer {
  return buffer(Buffer.concat(parts));
}

/** A list of one ACL. */
function anyone(permissions: number): Buffer[] {
  return [int(1), int(permissions), text("world"), text("anyone")];
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function buffer(bytes: Buffer): Buffer {
  return Buffer.concat([int(bytes.length), bytes]);
}

function text(value: string): Buffer {
  return buffer(Buffer.from(value));
}
