/*
 * A commit as one block of bytes, which a worker thread is given without a copy: copying thousands of objects
 * from thread to thread costs more than writing them to SQLite. First what PREFIX_BYTES counts (id, base, head, the
 * number of changes and of registry writes), then the changes, then the registry writes.
 */

const HEAD_BYTES = 24;
export const ID_BYTES = 16;
export const PREFIX_BYTES = ID_BYTES + 2 * HEAD_BYTES + 8;
/** revision, previous, lease, sub, flags, length of key, length of field; then key and field. */
export const CHANGE_BYTES = 37;
/** Length of key, length of value or REMOVED; then key and value. */
export const REGISTRY_BYTES = 8;
export const REMOVED = 0xffffffff;
export const DELETED = 1;
/** The key's last change in the commit, the one that the state gets. */
export const LAST = 2;
