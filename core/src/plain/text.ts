import type { PlainResponse } from "../listener/plain.js";

/** A text as Go's http.Error sends it. */
export function plainText(status: number, body: string): PlainResponse {
  const headers = { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" };
  return { status, headers, body };
}
