import type { Head } from "../model.js";
import type { MarkPositions } from "./marks.js";
import type { RegistryRecord } from "./registry-log.js";
import type { Version } from "./version.js";

export interface DumpHeader {
  readonly head: Head;
  /** Of the newest commits up to the head's, the oldest first. */
  readonly ids: readonly Buffer[];
  readonly marks: MarkPositions;
  readonly registryFloor: number;
}

/** A whole state, which a snapshot carries. The current key-values are the newest of `versions`. */
export interface Dump {
  readonly header: DumpHeader;
  /** In the order of their sequences. */
  readonly registry: readonly RegistryRecord[];
  /** In the order of their revisions. */
  readonly versions: readonly (readonly Version[])[];
}
