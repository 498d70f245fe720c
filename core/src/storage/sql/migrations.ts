import { StorageError } from "../errors.js";

/** One step of the schema, from `version - 1` to `version`. Released ones are never changed, only followed. */
export interface Migration {
  readonly version: number;
  readonly statements: readonly string[];
}

/**
 * The steps that a database at version `current` lacks (0: it has no schema). The caller asks, and runs them,
 * under a lock of the database, since several adapters may start at once.
 */
export function pendingMigrations(all: readonly Migration[], current: number, database: string): Migration[] {
  const newest = all.at(-1)?.version ?? 0;
  if (current > newest) {
    throw new StorageError(
      "misconfigured",
      `${database} was written by a newer version (its schema is ${current}, this program knows ${newest}): run that version or a newer one`,
    );
  }
  return all.filter((migration) => migration.version > current);
}
