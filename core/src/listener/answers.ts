/** What the gateway's answers look like. */
import { Code, type Status } from "../errors.js";
import { errorBody, httpStatusOf } from "./http-status.js";
import type { Headers, PlainResponse } from "./plain.js";

/** Up to here head and body are one text, and one write: above, a copy costs more than a second write. */
export const MAX_TEXT_BYTES = 16 * 1024;

const JSON_TYPE = { "Content-Type": "application/json" };
const TEXT_TYPE = { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" };
const GRPC_OK = { ...JSON_TYPE, "Grpc-Metadata-Content-Type": "application/grpc" };

export function okAnswer(body: string | Buffer): PlainResponse {
  return { status: 200, headers: GRPC_OK, body };
}

export function errorAnswer(status: Status): PlainResponse {
  return {
    status: httpStatusOf(status.code),
    headers: { ...JSON_TYPE, ...challenge(status) },
    body: errorBody(status),
  };
}

export function textAnswer(status: number, body: string, headers: Headers = {}): PlainResponse {
  return { status, headers: { ...TEXT_TYPE, ...headers }, body };
}

/** The headers of a stream's answer. */
export function streamHeaders(status: number): Headers {
  return status === 200 ? GRPC_OK : JSON_TYPE;
}

function challenge({ code, message }: Status): Headers {
  // Node refuses to write other characters into a header.
  return code === Code.unauthenticated ? { "WWW-Authenticate": message.replace(/[^ -~]/g, "?") } : {};
}
