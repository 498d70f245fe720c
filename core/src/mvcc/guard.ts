import type { Head } from "../storage/index.js";
import type { Draft } from "./draft.js";

/**
 * Runs first in a proposal's evaluation, and throws to refuse the proposal. It sees the very state that the
 * proposal commits on, so what another adapter has forbidden since then can't slip through.
 */
export type Guard = (draft: Draft) => void | Promise<void>;

/** Runs when a read is done, with the head that it saw, and throws to withhold the answer. */
export type ReadGuard = (head: Head) => void | Promise<void>;

/** For an operation that may turn out to be either. */
export interface OperationGuard {
  readonly write: Guard;
  readonly read: ReadGuard | undefined;
}

/** Evaluates behind the guard, without a promise where neither needs one. */
export function guarded<T>(
  guard: Guard | undefined,
  draft: Draft,
  evaluate: () => T | Promise<T>,
): T | Promise<T> {
  const checking = guard?.(draft);
  return checking ? checking.then(evaluate) : evaluate();
}
