/**
 * Lets many callers share one look at the backend. A caller may only share one that begins after its call: one
 * already under way may have asked the backend before a commit that the caller knows of. So there is at most
 * one under way and one that waits for it, and all who come meanwhile share the second.
 */
export class ReadBarrier {
  readonly #look: () => Promise<void>;
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(look: () => Promise<void>) {
    this.#look = look;
  }

  pass(): Promise<void> {
    if (this.#current === undefined) return this.#begin();
    this.#next ??= this.#current.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#current !== undefined) await (this.#next ?? this.#current).catch(() => undefined);
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    const current = this.#look().finally(() => {
      if (this.#current === current) this.#current = undefined;
    });
    this.#current = current;
    return current;
  }
}
