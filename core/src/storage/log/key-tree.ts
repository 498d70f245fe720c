import sortedBtree from "sorted-btree";
import { rank, type TreeNode, walkDown, walkUp } from "./tree-nodes.js";

/** Keys in latin1, which orders them as their bytes do: from `low` on, below `high`; null has no upper bound. */
export interface KeyBounds {
  readonly low: string;
  readonly high: string | null;
}

const NODE_ENTRIES = 64;

/** For strings alone less work than the package's own comparator, which asks for the types each time. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A B-tree of strings. No callback may change the tree. */
export class KeyTree<Value> {
  readonly #tree = new sortedBtree.default<string, Value>(undefined, compare, NODE_ENTRIES);

  get(key: string): Value | undefined {
    return this.#tree.get(key);
  }

  set(key: string, value: Value): void {
    this.#tree.set(key, value);
  }

  delete(key: string): void {
    this.#tree.delete(key);
  }

  /** How many keys are within the bounds, without looking at each. */
  count({ low, high }: KeyBounds): number {
    const above = high === null ? this.#tree.size : rank(this.#root, high);
    return Math.max(0, above - rank(this.#root, low));
  }

  /** Visits values in key order until `visit` answers false. */
  scan({ low, high }: KeyBounds, visit: (value: Value) => boolean): void {
    walkUp(this.#root, low, (key, value) => (high === null || key < high) && visit(value));
  }

  /** The same in reverse order. */
  scanDown({ low, high }: KeyBounds, visit: (value: Value) => boolean): void {
    walkDown(this.#root, high, (key, value) => key >= low && visit(value));
  }

  get #root(): TreeNode<Value> {
    return (this.#tree as unknown as { _root: TreeNode<Value> })._root;
  }
}
