/** Numbers from 0 below the bound given, the same in each run. */
export function sequenceOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export function pickFrom<Item>(items: readonly Item[], next: (below: number) => number): Item {
  return items[next(items.length)]!;
}
