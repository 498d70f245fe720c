/** Metadata of a request, and header fields from metadata of an answer. */
import { Field } from "../hpack/field.js";

const BINARY_SUFFIX = "-bin";
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Names that gRPC or HTTP/2 themselves use: a handler can't send them. */
const RESERVED = new Set([
  "content-type",
  "user-agent",
  "te",
  "grpc-message-type",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-timeout",
  "connection",
  "transfer-encoding",
]);
const NAME = /^[0-9a-z_.-]+$/;
const VALUE = /^[\x20-\x7e]*$/;

/** Names in lower case. Names that end in `-bin` have bytes, all others printable ASCII. */
export type MetadataInit = Readonly<Record<string, string | Buffer | readonly (string | Buffer)[]>>;

export class Metadata {
  constructor(private readonly fields: readonly Field[]) {}

  /** The last value of that name; base64 for those that end in `-bin`. */
  get(name: string): string | undefined {
    for (let index = this.fields.length - 1; index >= 0; index -= 1) {
      const field = this.fields[index];
      if (field?.name === name) return field.value;
    }
    return undefined;
  }

  getAll(name: string): string[] {
    return this.fields.filter((field) => field.name === name).map((field) => field.value);
  }

  /** Values of a name that ends in `-bin`; several may come joined by commas. */
  getBinary(name: string): Buffer[] {
    return this.getAll(name).flatMap((value) => value.split(",").map((part) => Buffer.from(part, "base64")));
  }

  *[Symbol.iterator](): Iterator<readonly [string, string]> {
    for (const { name, value } of this.fields) yield [name, value];
  }
}

export function isBinaryName(name: string): boolean {
  return name.endsWith(BINARY_SUFFIX);
}

export function isBase64(value: string): boolean {
  return value.split(",").every((part) => BASE64.test(part) && part.replace(/=+$/, "").length % 4 !== 1);
}

export function fieldsOf(metadata: MetadataInit | undefined): Field[] {
  if (metadata === undefined) return [];
  return Object.entries(metadata).flatMap(([name, values]) => {
    if (!NAME.test(name) || RESERVED.has(name)) throw new TypeError(`${name} is no name for metadata`);
    const list: readonly (string | Buffer)[] =
      typeof values === "string" || Buffer.isBuffer(values) ? [values] : values;
    return list.map((value) => new Field(name, encodeValue(name, value)));
  });
}

function encodeValue(name: string, value: string | Buffer): string {
  if (isBinaryName(name)) return Buffer.from(value).toString("base64").replace(/=+$/, "");
  const text = value.toString();
  if (!VALUE.test(text)) throw new TypeError(`metadata ${name} must be printable ASCII`);
  return text;
}
