/** The static table of RFC 7541, appendix A. */
import { Field } from "./field.js";

const ENTRIES: readonly (readonly [string, string])[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""],
];

/** By index; there is no entry 0. */
export const STATIC_TABLE: readonly Field[] = [
  new Field("", ""),
  ...ENTRIES.map(([name, value]) => new Field(name, value)),
];

export const STATIC_ENTRIES = ENTRIES.length;

const byName = new Map<string, number>();
const byField = new Map<string, number>();
STATIC_TABLE.forEach(({ name, value }, index) => {
  if (index > 0) {
    byField.set(`${name}\0${value}`, index);
    if (!byName.has(name)) byName.set(name, index);
  }
});

export function staticIndexOf(name: string, value: string): number | undefined {
  return byField.get(`${name}\0${value}`);
}

export function staticIndexOfName(name: string): number | undefined {
  return byName.get(name);
}
