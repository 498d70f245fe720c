/**
 * The nodes of sorted-btree 2.1, read directly: its public interface can only count one by one, and searches
 * the bounds again in every leaf. Nothing here changes a node.
 */
export interface TreeNode<Value> {
  readonly keys: readonly string[];
  readonly values: readonly Value[];
  /** Absent in leaves. `keys` are then the greatest of each child. */
  readonly children?: readonly TreeNode<Value>[];
  size(): number;
}

/** How many keys are below `key`. */
export function rank<Value>(root: TreeNode<Value>, key: string): number {
  let below = 0;
  let node = root;
  for (;;) {
    const at = firstNotBelow(node.keys, key);
    if (node.children === undefined) return below + at;
    for (let left = 0; left < at; left++) below += node.children[left]!.size();
    const child = node.children[at];
    if (child === undefined) return below;
    node = child;
  }
}

/** Visits values from key `low` on, or the least key, upwards, until `visit` answers false. Answers whether it never did. */
export function walkUp<Value>(
  node: TreeNode<Value>,
  low: string | null,
  visit: (key: string, value: Value) => boolean,
): boolean {
  const { keys, values, children } = node;
  const first = low === null ? 0 : firstNotBelow(keys, low);
  if (children === undefined) {
    for (let at = first; at < keys.length; at++) if (!visit(keys[at]!, values[at]!)) return false;
    return true;
  }
  for (let at = first; at < children.length; at++) {
    if (!walkUp(children[at]!, at === first ? low : null, visit)) return false;
  }
  return true;
}

/** The same downwards, from below key `high`, or from the greatest key. */
export function walkDown<Value>(
  node: TreeNode<Value>,
  high: string | null,
  visit: (key: string, value: Value) => boolean,
): boolean {
  const { keys, values, children } = node;
  const end = high === null ? keys.length : firstNotBelow(keys, high);
  if (children === undefined) {
    for (let at = end - 1; at >= 0; at--) if (!visit(keys[at]!, values[at]!)) return false;
    return true;
  }
  const last = Math.min(end, children.length - 1);
  for (let at = last; at >= 0; at--) {
    if (!walkDown(children[at]!, at === last ? high : null, visit)) return false;
  }
  return true;
}

function firstNotBelow(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
