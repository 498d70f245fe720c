import { z } from "zod";

/** The option by which several adapters' tables fit into one database. */
export const tablePrefix = z
  .string()
  .regex(
    /^[a-z0-9_]{0,24}$/,
    "table-prefix may hold lower-case letters, digits and _, 24 of them at the most",
  )
  .default("");

export interface Tables {
  /** Every change of every revision: revision, sub, key, deleted, field, previous, lease. */
  readonly log: string;
  /** The newest version of every live key: key, field, revision, lease. */
  readonly state: string;
  /** One row a commit: sequence, id, revision, compacted. */
  readonly commits: string;
  /** key, value (null: removed), sequence. */
  readonly registry: string;
  /** name, value (an integer): see MetaName. */
  readonly meta: string;
}

/** `schema`: the newest migration; `pruned-…` and `floor`: see PruneState. */
export type MetaName = "schema" | "pruned-revision" | "pruned-sub" | "floor";

export function tableNames(prefix: string): Tables {
  return {
    log: `${prefix}log`,
    state: `${prefix}state`,
    commits: `${prefix}commits`,
    registry: `${prefix}registry`,
    meta: `${prefix}meta`,
  };
}
