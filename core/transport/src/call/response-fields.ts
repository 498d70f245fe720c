/** The header fields of gRPC's answers. */

import { Field } from "../hpack/field.js";
import type { Refusal, RequestHead } from "../stream/request-head.js";
import { GZIP } from "./compression.js";
import { CONTENT_TYPE, OK_TRAILERS, PLAIN_HEADERS, STATUS_200 } from "./response-blocks.js";
import { Code, type Status } from "./status.js";
import { encodeMessageText } from "./text.js";

const GRPC_ENCODING_GZIP = new Field("grpc-encoding", GZIP, true);

export function headerFields(
  head: RequestHead,
  sendsGzip: boolean,
  metadata?: readonly Field[],
): readonly Field[] {
  if (!sendsGzip && metadata === undefined && head.subtype === "") return PLAIN_HEADERS;
  const fields = [STATUS_200, contentTypeOf(head)];
  if (sendsGzip) fields.push(GRPC_ENCODING_GZIP);
  return metadata === undefined ? fields : fields.concat(metadata);
}

export function trailerFields(status: Status, metadata: readonly Field[] | undefined): readonly Field[] {
  const fields = status.code === Code.ok ? OK_TRAILERS : statusFields(status);
  return metadata === undefined ? fields : [...fields, ...metadata];
}

/** An answer without messages: headers and trailers in one. */
export function trailersOnlyFields(
  head: RequestHead,
  status: Status,
  metadata: readonly Field[] | undefined,
): readonly Field[] {
  return [STATUS_200, contentTypeOf(head), ...trailerFields(status, metadata)];
}

/** The whole answer to a request that no handler sees. */
export function refusalFields({ httpStatus, status, fields = [] }: Refusal): readonly Field[] {
  return [new Field(":status", String(httpStatus)), CONTENT_TYPE, ...statusFields(status), ...fields];
}

function contentTypeOf({ subtype }: RequestHead): Field {
  return subtype === "" || subtype === undefined
    ? CONTENT_TYPE
    : new Field("content-type", `${CONTENT_TYPE.value}${subtype}`);
}

function statusFields({ code, message }: Status): Field[] {
  const fields = [new Field("grpc-status", String(code))];
  if (message !== "") fields.push(new Field("grpc-message", encodeMessageText(message)));
  return fields;
}
