import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  /** Says why waiting is in vain (the process has ended), or undefined while there is hope. */
  readonly inVain?: () => string | undefined;
}

/** Calls the probe until it no longer throws, and gives its answer; the last error is the cause of a time-out. */
export async function waitUntil<T>(probe: () => Promise<T> | T, options: WaitOptions): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    let lastError: unknown;
    try {
      return await probe();
    } catch (error) {
      lastError = error;
    }
    const reason = options.inVain?.();
    if (reason !== undefined) throw new Error(reason, { cause: lastError });
    if (performance.now() > deadline) {
      throw new Error(`no answer within ${options.timeoutMs / 1000} s`, { cause: lastError });
    }
    await sleep(options.intervalMs ?? 100);
  }
}

/** With the causes: fetch says only "fetch failed" and keeps the reason there. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause === undefined) return error.message;
  const cause = messageOf(error.cause);
  return error.message.includes(cause) ? error.message : `${error.message}: ${cause}`;
}
