/** A simple token's inside: who it was issued to, under which password, and when, signed with the backend's key. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const ID_BYTES = 8;
const MAC_BYTES = 16;
const NAME_OFFSET = 23;
const FORMAT = 1;

export interface SimpleToken {
  /** Hex of random bytes. */
  readonly id: string;
  readonly name: string;
  readonly passwordRevision: bigint;
  /** Milliseconds of the issuer's clock. */
  readonly issuedAtMs: number;
}

export function newTokenId(): string {
  return randomBytes(ID_BYTES).toString("hex");
}

export function encodeToken(token: SimpleToken, key: Buffer): string {
  const head = Buffer.alloc(NAME_OFFSET);
  head[0] = FORMAT;
  head.write(token.id, 1, ID_BYTES, "hex");
  head.writeUIntBE(token.issuedAtMs, 9, 6);
  head.writeBigUInt64BE(token.passwordRevision, 15);
  const payload = Buffer.concat([head, Buffer.from(token.name)]);
  return textOf(payload, macOf(payload, key));
}

/** undefined when it was not signed with the key. */
export function decodeToken(text: string, key: Buffer): SimpleToken | undefined {
  const dot = text.indexOf(".");
  if (dot < 0) return undefined;
  const payload = Buffer.from(text.slice(0, dot), "base64url");
  const mac = Buffer.from(text.slice(dot + 1), "base64url");
  if (payload.length < NAME_OFFSET || mac.length !== MAC_BYTES || payload[0] !== FORMAT) return undefined;
  if (!timingSafeEqual(mac, macOf(payload, key))) return undefined;
  // One token has one text, so that nobody can fill a table of tokens with variants of his own.
  if (textOf(payload, mac) !== text) return undefined;
  return {
    id: payload.toString("hex", 1, 1 + ID_BYTES),
    issuedAtMs: payload.readUIntBE(9, 6),
    passwordRevision: payload.readBigUInt64BE(15),
    name: payload.toString("utf8", NAME_OFFSET),
  };
}

function textOf(payload: Buffer, mac: Buffer): string {
  return `${payload.toString("base64url")}.${mac.toString("base64url")}`;
}

function macOf(payload: Buffer, key: Buffer): Buffer {
  return createHmac("sha256", key).update(payload).digest().subarray(0, MAC_BYTES);
}
