/** What each header field of a request means to the server, worked out once per table entry. */
import type { Field } from "../hpack/field.js";

export const Kind = {
  unknown: 0,
  metadata: 1,
  method: 2,
  scheme: 3,
  path: 4,
  authority: 5,
  host: 6,
  te: 7,
  contentType: 8,
  timeout: 9,
  encoding: 10,
  acceptEncoding: 11,
  contentLength: 12,
  /** `-bin`, to be checked. */
  binary: 13,
  /** Of gRPC's responses: dropped. */
  reserved: 14,
  /** A pseudo-header that requests have not. */
  badPseudo: 15,
  /** Makes the request malformed. */
  malformed: 16,
} as const;

const PSEUDO_FIRST = Kind.method;
const PSEUDO_LAST = Kind.authority;

const KINDS = new Map<string, number>([
  [":method", Kind.method],
  [":scheme", Kind.scheme],
  [":path", Kind.path],
  [":authority", Kind.authority],
  ["host", Kind.host],
  ["te", Kind.te],
  ["content-type", Kind.contentType],
  ["grpc-timeout", Kind.timeout],
  ["grpc-encoding", Kind.encoding],
  ["grpc-accept-encoding", Kind.acceptEncoding],
  ["content-length", Kind.contentLength],
  ["grpc-status", Kind.reserved],
  ["grpc-message", Kind.reserved],
  ["grpc-message-type", Kind.reserved],
  ["connection", Kind.malformed],
  ["keep-alive", Kind.malformed],
  ["proxy-connection", Kind.malformed],
  ["transfer-encoding", Kind.malformed],
  ["upgrade", Kind.malformed],
]);

/** RFC 9113 section 8.2.1, but for blanks around values, which Go's server takes too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is forbidden
const BAD_NAME = /[\x00-\x20A-Z:\x7f-\xff]|^$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is forbidden
const BAD_VALUE = /[\x00\r\n]/;

export function kindOf(field: Field): number {
  if (field.kind === Kind.unknown) field.kind = classify(field);
  return field.kind;
}

export function isPseudo(kind: number): boolean {
  return (kind >= PSEUDO_FIRST && kind <= PSEUDO_LAST) || kind === Kind.badPseudo;
}

function classify({ name, value }: Field): number {
  if (BAD_VALUE.test(value)) return Kind.malformed;
  const known = KINDS.get(name);
  if (known === Kind.te && value !== "trailers") return Kind.malformed;
  if (known !== undefined) return known;
  if (name.startsWith(":")) return Kind.badPseudo;
  if (BAD_NAME.test(name)) return Kind.malformed;
  return name.endsWith("-bin") ? Kind.binary : Kind.metadata;
}
