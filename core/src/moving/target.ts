import type { KeyValue } from "../mvcc/record.js";

export interface Put {
  readonly row: KeyValue;
  /** What the target has under this key. */
  readonly present: KeyValue | undefined;
}

export interface Batch {
  readonly puts: readonly Put[];
  readonly deletes: readonly KeyValue[];
}

export interface LeaseChanges {
  /** Ids, and seconds. */
  readonly grant: ReadonlyMap<bigint, bigint>;
  readonly revoke: readonly bigint[];
}

/** A key space that is in use, or may be: what is there is compared, and only what differs is written. */
export interface Target {
  /** What it is called in messages. */
  readonly label: string;
  /** How much `write` takes, and how many calls of it at once. */
  readonly limits: { readonly operations: number; readonly bytes: number; readonly concurrency: number };
  /** All keys in order, as they are now; keys behind the last one given may be written meanwhile, those before it are. */
  rows(): AsyncGenerator<KeyValue>;
  leases(): Promise<Map<bigint, bigint>>;
  /** Users and roles as registry entries; undefined where they can be neither read nor written as they are. */
  access(): Promise<ReadonlyMap<string, Buffer> | undefined>;
  changeLeases(changes: LeaseChanges): Promise<void>;
  write(batch: Batch): Promise<void>;
  /** Ends the writing: `access` is what users and roles are to be. */
  finish(access: ReadonlyMap<string, Buffer>): Promise<void>;
}
