const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A bcrypt hash as requests carry it; undefined when it is not base64 as Go reads it. */
export function decodeHashedPassword(text: string): Buffer | undefined {
  const plain = text.replace(/[\r\n]/g, "");
  return BASE64.test(plain) ? Buffer.from(plain, "base64") : undefined;
}
