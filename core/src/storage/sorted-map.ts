import * as btree from "sorted-btree";

type BTreeClass = typeof btree.default;

/** sorted-btree is a CommonJS package: under ESM its class is the `default` of its default export. */
export const SortedMap = ((btree.default as unknown as { default?: BTreeClass }).default ??
  btree.default) as unknown as new <K, V>() => SortedMap<K, V>;

/** The part of the B-tree that is used. */
export interface SortedMap<K, V> {
  readonly size: number;
  get(key: K): V | undefined;
  has(key: K): boolean;
  set(key: K, value: V): boolean;
  delete(key: K): boolean;
  forRange(low: K, high: K, includeHigh: boolean, visit: (key: K, value: V) => void): number;
}
