/** How gRPC writes its texts into header fields, and Go its strings into texts. */

const PLAIN_MESSAGE = /^[\x20-\x24\x26-\x7e]*$/;

/** grpc-message: UTF-8 in which all but printable ASCII is percent-encoded. */
export function encodeMessageText(message: string): string {
  if (PLAIN_MESSAGE.test(message)) return message;
  let encoded = "";
  for (const byte of Buffer.from(message, "utf8")) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${hex(byte).toUpperCase()}`;
  }
  return encoded;
}

/** What Go's %q makes of bytes that are ASCII for the most part. */
export function goQuote(text: string): string {
  let quoted = '"';
  for (const character of text) {
    const code = character.charCodeAt(0);
    if (character === '"' || character === "\\") quoted += `\\${character}`;
    else if (code >= 0x20 && code <= 0x7e) quoted += character;
    else quoted += ESCAPES[character] ?? `\\x${hex(code)}`;
  }
  return `${quoted}"`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1 / 1_000,
  n: 1 / 1_000_000,
};

/** 8 digits and a unit. */
const TIMEOUT_LENGTH_MAX = 9;

/** The milliseconds of a grpc-timeout, or why it is none, in Go's words. */
export function parseTimeout(text: string): number | string {
  if (text.length < 2) return `transport: timeout string is too short: ${goQuote(text)}`;
  if (text.length > TIMEOUT_LENGTH_MAX) return `transport: timeout string is too long: ${goQuote(text)}`;
  const unit = UNIT_MS[text.slice(-1)];
  if (unit === undefined) return `transport: timeout unit is not recognized: ${goQuote(text)}`;
  const digits = text.slice(0, -1);
  if (!/^[0-9]+$/.test(digits)) return `strconv.ParseUint: parsing ${goQuote(digits)}: invalid syntax`;
  return Number(digits) * unit;
}
