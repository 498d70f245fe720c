/** What a request's header list says, and what is wrong with it. */

import { isBase64, Metadata } from "../call/metadata.js";
import { Code, type Status } from "../call/status.js";
import { goQuote, parseTimeout } from "../call/text.js";
import type { Field } from "../hpack/field.js";
import { isPseudo, Kind, kindOf } from "./field-kind.js";

const GRPC = "application/grpc";

/** A request that is answered without a handler. */
export interface Refusal {
  readonly httpStatus: number;
  readonly status: Status;
  readonly fields?: readonly Field[];
}

/** Immutable once parsed: requests whose header blocks are alike share one. */
export class RequestHead {
  method = "";
  scheme = "";
  path = "";
  authority: string | undefined;
  contentType = "";
  /** What follows `application/grpc`, such as `+proto`; undefined for other types. */
  subtype: string | undefined;
  timeoutMs: number | undefined;
  encoding = "identity";
  acceptEncoding = "";
  contentLength: number | undefined;
  refusal: Refusal | undefined;

  constructor(readonly metadata: Metadata) {}
}

/** The head that `fields` describe; undefined if they are malformed by RFC 9113 section 8. */
export function parseRequestHead(fields: readonly Field[]): RequestHead | undefined {
  const kept: Field[] = [];
  const head = new RequestHead(new Metadata(kept));
  let seen = 0;
  let host: Field | undefined;
  let pseudoIsOver = false;
  for (const field of fields) {
    const kind = kindOf(field);
    if (kind >= Kind.badPseudo) return undefined;
    if (isPseudo(kind)) {
      if (pseudoIsOver || (seen & (1 << kind)) !== 0) return undefined;
    } else {
      pseudoIsOver = true;
    }
    const isRepeated = (seen & (1 << kind)) !== 0;
    seen |= 1 << kind;
    switch (kind) {
      case Kind.metadata:
        kept.push(field);
        break;
      case Kind.method:
        head.method = field.value;
        break;
      case Kind.scheme:
        head.scheme = field.value;
        break;
      case Kind.path:
        head.path = field.value;
        break;
      case Kind.authority:
        head.authority = field.value;
        kept.push(field);
        break;
      case Kind.host:
        if (isRepeated) refuse(head, 400, Code.internal, "more than one host header");
        host = field;
        kept.push(field);
        break;
      case Kind.contentType:
        head.contentType = field.value;
        head.subtype = grpcSubtype(field.value);
        kept.push(field);
        break;
      case Kind.timeout:
        readTimeout(head, field.value);
        break;
      case Kind.encoding:
        head.encoding = field.value;
        break;
      case Kind.acceptEncoding:
        head.acceptEncoding += head.acceptEncoding === "" ? field.value : `,${field.value}`;
        kept.push(field);
        break;
      case Kind.contentLength:
        if (isRepeated || !/^[0-9]{1,15}$/.test(field.value)) return undefined;
        head.contentLength = Number(field.value);
        kept.push(field);
        break;
      case Kind.binary:
        if (!isBase64(field.value)) refuseBinary(head, field);
        kept.push(field);
        break;
      default:
        break;
    }
  }
  if (!isComplete(head, seen)) return undefined;
  if (head.authority === undefined) head.authority = host?.value;
  if (head.subtype === undefined) {
    const message = `invalid gRPC request content-type ${goQuote(head.contentType)}`;
    head.refusal = { httpStatus: 415, status: { code: Code.invalidArgument, message } };
  } else if (head.refusal === undefined) {
    checkCall(head);
  }
  return head;
}

/** Trailers may have no pseudo-headers; gRPC's clients send none, and what they hold is dropped. */
export function isTrailersValid(fields: readonly Field[]): boolean {
  return fields.every((field) => {
    const kind = kindOf(field);
    return kind < Kind.badPseudo && !isPseudo(kind);
  });
}

function isComplete(head: RequestHead, seen: number): boolean {
  const has = (kind: number) => (seen & (1 << kind)) !== 0;
  if (head.method === "CONNECT") return has(Kind.authority) && !has(Kind.scheme) && !has(Kind.path);
  return has(Kind.method) && has(Kind.scheme) && has(Kind.path) && head.path !== "";
}

function checkCall(head: RequestHead): void {
  if (head.authority === undefined) {
    refuse(head, 400, Code.internal, "no host or :authority header present");
  } else if (head.method !== "POST") {
    const method = goQuote(head.method);
    refuse(head, 405, Code.internal, `Received a HEADERS frame with :method ${method} which should be POST`);
  }
}

function readTimeout(head: RequestHead, value: string): void {
  const timeout = parseTimeout(value);
  if (typeof timeout === "number") head.timeoutMs = timeout;
  else refuse(head, 400, Code.internal, `malformed grpc-timeout: ${timeout}`);
}

function refuseBinary(head: RequestHead, { name, value }: Field): void {
  const message = `malformed binary metadata ${goQuote(value)} in header ${goQuote(name)}: illegal base64 data`;
  refuse(head, 400, Code.internal, message);
}

function refuse(head: RequestHead, httpStatus: number, code: number, message: string): void {
  head.refusal ??= { httpStatus, status: { code, message } };
}

function grpcSubtype(contentType: string): string | undefined {
  const lower = contentType.toLowerCase();
  if (!lower.startsWith(GRPC)) return undefined;
  const rest = lower.slice(GRPC.length);
  return rest === "" || rest.startsWith("+") || rest.startsWith(";") ? rest : undefined;
}
