import { sequenceName } from "@etcd-adapter/core/storage/log/segments";

/**
 * What the plugin keeps in Consul, below its prefix:
 *
 * | key | value |
 * |---|---|
 * | head | sequence of the newest segment, and bytes of all segments so far |
 * | trimmed | sequence of the newest trimmed segment, and bytes of all up to it |
 * | log/SEQUENCE | one segment, or the manifest of its parts |
 * | parts/SEQUENCE-UNIQUE/N | parts of a large segment |
 * | snapshot | which snapshot is the newest |
 * | snapshots/SEQUENCE-UNIQUE/N | chunks of a snapshot |
 */
export class Keys {
  readonly head: string;
  readonly trimmed: string;
  readonly snapshot: string;
  readonly parts: string;
  readonly snapshots: string;
  readonly #log: string;

  constructor(prefix: string) {
    this.head = `${prefix}/head`;
    this.trimmed = `${prefix}/trimmed`;
    this.snapshot = `${prefix}/snapshot`;
    this.parts = `${prefix}/parts/`;
    this.snapshots = `${prefix}/snapshots/`;
    this.#log = `${prefix}/log/`;
  }

  segment(sequence: bigint): string {
    return this.#log + sequenceName(sequence);
  }
}
