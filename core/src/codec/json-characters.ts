import { Code, StatusError } from "../errors.js";

export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** encoding/json's complaint about a byte. */
export function invalidCharacter(byte: number, where: string): StatusError {
  return new StatusError(Code.invalidArgument, `invalid character ${quoted(byte)} ${where}`);
}

const NAMED: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  39: "\\'",
  92: "\\\\",
};

/** The byte as Go quotes the character of that number. */
function quoted(byte: number): string {
  const unprintable = byte < 0x20 || (byte >= 0x7f && byte < 0xa1) || byte === 0xad;
  const hex = byte.toString(16);
  const escaped = byte < 0x80 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`;
  return `'${NAMED[byte] ?? (unprintable ? escaped : String.fromCharCode(byte))}'`;
}
