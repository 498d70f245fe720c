/** The head of a request to the gateway as clients commonly send it. */
import type { Headers } from "./plain.js";

export interface FastHead {
  /** Below `/v3/`, as it stands. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Headers;
  /** Bytes of the head, and of the body that must follow. */
  readonly headBytes: number;
  readonly bodyBytes: number;
}

const END = Buffer.from("\r\n\r\n");
/** Names have a token's characters; values visible ones, blanks, and what is not ASCII. */
const HEAD = /^POST (\/v3\/[!-~]*) HTTP\/1\.1((?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*)+)$/;
const LENGTH = /^[0-9]{1,9}$/;
/** These say more of a connection or a body than is understood here. */
const FOREIGN = ["transfer-encoding", "expect", "upgrade", "trailer", "te", "keep-alive", "proxy-connection"];

/** What clients send in front of each request is hardly ever longer. */
const MAX_KEPT_BYTES = 1_024;
const NONE = Buffer.alloc(0);

/** The heads of one connection, which are the same again and again. */
export class FastHeads {
  private bytes = NONE;
  private head: FastHead | undefined;

  read(bytes: Buffer): FastHead | undefined {
    const { head } = this;
    if (
      head &&
      bytes.length >= head.headBytes &&
      bytes.compare(this.bytes, 0, head.headBytes, 0, head.headBytes) === 0
    ) {
      return head;
    }
    const read = readFastHead(bytes);
    if (read && read.headBytes <= MAX_KEPT_BYTES) {
      this.head = read;
      this.bytes = Buffer.from(bytes.subarray(0, read.headBytes));
    }
    return read;
  }
}

/**
 * Reads the head at the beginning of `bytes`. Undefined for whatever is not plainly well-formed, whole, and
 * without a header that asks for anything but one answer to one body of a known length: Node's parser is the
 * judge of that.
 */
export function readFastHead(bytes: Buffer): FastHead | undefined {
  const end = bytes.indexOf(END);
  if (end === -1) return undefined;
  const [, path, fields] = HEAD.exec(bytes.toString("latin1", 0, end)) ?? [];
  if (path === undefined || fields === undefined) return undefined;
  const headers = readFields(fields);
  if (headers === undefined || headers.host === undefined || FOREIGN.some((name) => name in headers)) {
    return undefined;
  }
  const { "content-length": length = "", connection } = headers;
  if (!LENGTH.test(length) || (connection !== undefined && connection.toLowerCase() !== "keep-alive")) {
    return undefined;
  }
  return { path, headers, headBytes: end + END.length, bodyBytes: Number(length) };
}

/** Undefined if a name comes twice. */
function readFields(fields: string): Record<string, string> | undefined {
  const headers: Record<string, string> = Object.create(null);
  for (let at = 0; at < fields.length; ) {
    const colon = fields.indexOf(":", at);
    const next = fields.indexOf("\r\n", colon);
    const end = next === -1 ? fields.length : next;
    const name = fields.slice(at + 2, colon).toLowerCase();
    if (name in headers) return undefined;
    headers[name] = trimmed(fields, colon + 1, end);
    at = end;
  }
  return headers;
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (start < end && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(char: number): boolean {
  return char === 0x20 || char === 0x09;
}
