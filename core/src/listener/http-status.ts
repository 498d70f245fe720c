/** How a gRPC status looks over HTTP. */
import { STATUS_CODES } from "node:http";
import { Code, type Status } from "../errors.js";

const HTTP_STATUS: Readonly<Record<Code, number>> = {
  [Code.canceled]: 499,
  [Code.unknown]: 500,
  [Code.invalidArgument]: 400,
  [Code.deadlineExceeded]: 504,
  [Code.notFound]: 404,
  [Code.alreadyExists]: 409,
  [Code.permissionDenied]: 403,
  [Code.resourceExhausted]: 429,
  [Code.failedPrecondition]: 400,
  [Code.aborted]: 409,
  [Code.outOfRange]: 400,
  [Code.unimplemented]: 501,
  [Code.internal]: 500,
  [Code.unavailable]: 503,
  [Code.dataLoss]: 500,
  [Code.unauthenticated]: 401,
};

export function httpStatusOf(code: Code): number {
  return HTTP_STATUS[code];
}

/** What etcd 3.6 answers, and `error` beside it, which clients made for etcd up to 3.5 read. */
export function errorBody({ code, message }: Status): string {
  return JSON.stringify({ error: message, code, message });
}

/** The last line of a stream: the fields of etcd up to 3.5 and those of 3.6 in one. */
export function errorLine({ code, message }: Status): string {
  const status = httpStatusOf(code);
  const error = {
    grpc_code: code,
    http_code: status,
    code,
    message,
    http_status: STATUS_CODES[status] ?? "Client Closed Request",
  };
  return `${JSON.stringify({ error })}\n`;
}
