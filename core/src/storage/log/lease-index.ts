/** Which keys are attached to which lease, at the newest revision. */
export class LeaseIndex {
  readonly #keys = new Map<bigint, Set<string>>();

  move(key: string, from: bigint, to: bigint): void {
    if (from === to) return;
    if (from !== 0n) this.#detach(key, from);
    if (to === 0n) return;
    const keys = this.#keys.get(to);
    if (keys === undefined) this.#keys.set(to, new Set([key]));
    else keys.add(key);
  }

  /** In key order. */
  keys(lease: bigint): string[] {
    return [...(this.#keys.get(lease) ?? [])].sort();
  }

  #detach(key: string, lease: bigint): void {
    const keys = this.#keys.get(lease);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(lease);
  }
}
